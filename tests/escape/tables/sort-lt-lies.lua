-- SPDX-License-Identifier: MIT
-- __lt that throws, forgets and lies.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local n = 0
        local mt = {}
        mt.__lt = function(a, b)
            n = n + 1
            if n % 7 == 0 then error(a) end
            return n % 3 == 0 and b or nil
        end
        local t = {}
        for i = 1, 50 do
            t[i] = setmetatable({}, mt)
        end
        for _ = 1, 20 do
            pcall(table.sort, t)
        end
        request.body = "ends"
    end,
}
