-- SPDX-License-Identifier: MIT
-- next with a key that was removed in between.
-- outcome: delivered
-- sends: b nil
return {
    api = 1,
    transform = function(request)
        local t = { a = 1, b = 2 }
        local key = next(t)
        t[key] = nil
        local rest = next(t)
        t.b = nil
        request.body = rest .. " " .. tostring(next(t))
    end,
}
