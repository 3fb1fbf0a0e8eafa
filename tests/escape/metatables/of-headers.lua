-- SPDX-License-Identifier: MIT
-- The headers without their guard.
-- outcome: script_error
-- reason: cannot change a protected metatable
return {
    api = 1,
    transform = function(request)
        setmetatable(request.headers, {})
    end,
}
