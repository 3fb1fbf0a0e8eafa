-- SPDX-License-Identifier: MIT
-- The table of globals without its guard.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function()
        setmetatable(_ENV, nil)
    end,
}
