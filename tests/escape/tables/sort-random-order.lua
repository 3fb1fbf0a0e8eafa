-- SPDX-License-Identifier: MIT
-- A comparator without any order.
-- outcome: delivered
-- sends: 1000
return {
    api = 1,
    transform = function(request)
        local t, x = {}, 1
        for i = 1, 1000 do
            t[i] = i
        end
        pcall(table.sort, t, function()
            x = x * 1103515245 + 12345 & 0x7fffffff
            return x & 1024 == 0
        end)
        request.body = tostring(#t)
    end,
}
