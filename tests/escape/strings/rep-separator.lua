-- SPDX-License-Identifier: MIT
-- The same by the separator.
-- outcome: script_error
-- reason: resulting string too large
return {
    api = 1,
    transform = function(request)
        request.body = (""):rep(math.maxinteger, "yy")
    end,
}
