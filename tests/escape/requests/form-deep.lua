-- SPDX-License-Identifier: MIT
-- A form of what no form can hold.
-- outcome: script_error
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = { a = { b = { c = 1 } } }
    end,
}
