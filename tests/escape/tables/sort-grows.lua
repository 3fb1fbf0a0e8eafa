-- SPDX-License-Identifier: MIT
-- A comparator that changes what is sorted.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local t = {}
        for i = 1, 200 do
            t[i] = 200 - i
        end
        pcall(table.sort, t, function(a, b)
            t[#t + 1] = a
            t[#t - 1] = nil
            return (a or 0) < (b or 0)
        end)
        request.body = "ends"
    end,
}
