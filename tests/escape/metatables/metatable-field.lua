-- SPDX-License-Identifier: MIT
-- A metatable that is protected by the script itself.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function()
        setmetatable(setmetatable({}, { __metatable = false }), {})
    end,
}
