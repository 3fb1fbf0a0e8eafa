-- SPDX-License-Identifier: MIT
-- __tostring of itself.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function(request)
        local mt = {}
        mt.__tostring = function(t) return tostring(t) end
        request.body = tostring(setmetatable({}, mt))
    end,
}
