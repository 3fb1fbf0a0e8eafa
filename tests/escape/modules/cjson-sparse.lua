-- SPDX-License-Identifier: MIT
-- A list whose second element is far away.
-- outcome: script_error
-- reason: excessively sparse array
return {
    api = 1,
    transform = function()
        require("cjson").encode({ 1, [1 << 20] = 2 })
    end,
}
