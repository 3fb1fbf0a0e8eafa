-- SPDX-License-Identifier: MIT
-- A length that does not fit in an integer.
-- outcome: script_error
-- reason: resulting string too large
return {
    api = 1,
    transform = function(request)
        request.body = ("xy"):rep(math.maxinteger)
    end,
}
