-- SPDX-License-Identifier: MIT
-- Any value of __gc marks an object for finalizing.
-- outcome: script_error
-- reason: setmetatable: __gc is not available
return {
    api = 1,
    transform = function()
        local mt = { __gc = true }
        setmetatable({}, mt)
    end,
}
