-- SPDX-License-Identifier: MIT
-- Keys that a hash function may confuse.
-- outcome: delivered
-- sends: 40000
return {
    api = 1,
    transform = function(request)
        local t, n = {}, 0
        for i = 1, 20000 do
            t[i * 2.0 ^ 32] = true
            t[("x"):rep(40) .. i .. ("y"):rep(40)] = true
        end
        for _ in pairs(t) do
            n = n + 1
        end
        request.body = tostring(n)
    end,
}
