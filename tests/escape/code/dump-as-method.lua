-- SPDX-License-Identifier: MIT
-- The same by a string's methods, which a library may have kept.
-- outcome: script_error
-- reason: attempt to call a nil value \(method 'dump'\)
return {
    api = 1,
    transform = function(request)
        request.body = ("x"):dump()
    end,
}
