-- SPDX-License-Identifier: MIT
-- The request without its guard.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function(request)
        setmetatable(request, {})
    end,
}
