-- SPDX-License-Identifier: MIT
-- Metamethods of arithmetic that call each other.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function(request)
        local mt = {}
        mt.__add = function(a, b) return a - b end
        mt.__sub = function(a, b) return a + b end
        request.body = tostring(setmetatable({}, mt) + 1)
    end,
}
