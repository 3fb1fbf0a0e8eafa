-- SPDX-License-Identifier: MIT
-- A loop up to the last integer ends: its counter does not wrap.
-- outcome: delivered
-- sends: 3
return {
    api = 1,
    transform = function(request)
        local n = 0
        for _ = math.maxinteger - 2, math.maxinteger do
            n = n + 1
        end
        request.body = tostring(n)
    end,
}
