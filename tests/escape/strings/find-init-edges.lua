-- SPDX-License-Identifier: MIT
-- Where to begin, at the ends of the integers.
-- outcome: delivered
-- sends: nil 1 nil
return {
    api = 1,
    transform = function(request)
        local s = "abc"
        request.body = ("%s %s %s"):format(s:find("a", math.maxinteger), s:find("a", math.mininteger),
            s:find("", 5, true))
    end,
}
