-- SPDX-License-Identifier: MIT
-- utf8.offset and utf8.len far outside of the string.
-- outcome: delivered
-- sends: false nil nil
return {
    api = 1,
    transform = function(request)
        local s = "a\u{20ac}b"
        local ok = pcall(utf8.offset, s, 1, math.maxinteger)
        request.body = ("%s %s %s"):format(ok, utf8.offset(s, math.maxinteger), utf8.offset(s, math.mininteger))
    end,
}
