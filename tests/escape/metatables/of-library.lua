-- SPDX-License-Identifier: MIT
-- A library without its guard.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function()
        setmetatable(string, { __index = print })
    end,
}
