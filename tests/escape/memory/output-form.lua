-- SPDX-License-Identifier: MIT
-- A form: each byte becomes three.
-- outcome: script_error
-- reason: too much output
return {
    api = 1,
    transform = function(request)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = { a = ("\u{20ac}"):rep(600000) }
    end,
}
