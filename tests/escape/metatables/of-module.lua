-- SPDX-License-Identifier: MIT
-- A module without its guard.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function()
        setmetatable(require("grapnel.json"), nil)
    end,
}
