-- SPDX-License-Identifier: MIT
-- NaN and infinity.
-- outcome: script_error
-- reason: value.a: NaN is not JSON
return {
    api = 1,
    transform = function()
        require("grapnel.json").encode({ a = 0 / 0 })
    end,
}
