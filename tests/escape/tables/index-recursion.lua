-- SPDX-License-Identifier: MIT
-- __index that asks itself.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function(request)
        local t = {}
        setmetatable(t, { __index = function(_, key) return t[key .. "x"] end })
        request.body = tostring(t.a)
    end,
}
