-- SPDX-License-Identifier: MIT
-- A table that holds itself.
-- outcome: script_error
-- reason: excessive nesting
return {
    api = 1,
    transform = function()
        local t = {}
        t.t = t
        require("cjson").encode(t)
    end,
}
