-- SPDX-License-Identifier: MIT
-- Each .. makes the next one.
-- outcome: script_error or script_memory
-- reason: stack overflow
return {
    api = 1,
    transform = function(request)
        local mt = {}
        mt.__concat = function(a, b)
            return a .. b
        end
        request.body = setmetatable({}, mt) .. "x"
    end,
}
