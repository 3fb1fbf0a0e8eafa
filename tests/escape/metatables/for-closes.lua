-- SPDX-License-Identifier: MIT
-- A for loop's fourth value.
-- outcome: delivered
-- sends: closed
return {
    api = 1,
    transform = function(request)
        local mt, said = {}, {}
        local t = setmetatable({}, mt)
        mt.__close = function() said[1] = "closed" end
        for _ in next, { 1 }, nil, t do
            break
        end
        request.body = said[1]
    end,
}
