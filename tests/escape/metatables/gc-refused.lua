-- SPDX-License-Identifier: MIT
-- A finalizer: Lua runs it without any hook.
-- outcome: script_error
-- reason: setmetatable: __gc is not available
return {
    api = 1,
    transform = function()
        setmetatable({}, { __gc = function() while true do end end })
    end,
}
