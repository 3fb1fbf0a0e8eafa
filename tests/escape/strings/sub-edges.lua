-- SPDX-License-Identifier: MIT
-- Positions at the ends of the integers.
-- outcome: delivered
-- sends: [abc][][][c]
return {
    api = 1,
    transform = function(request)
        local s = "abc"
        request.body = ("[%s][%s][%s][%s]"):format(s:sub(math.mininteger, math.maxinteger),
            s:sub(math.maxinteger, math.mininteger), s:sub(math.maxinteger), s:sub(-1, math.maxinteger))
    end,
}
