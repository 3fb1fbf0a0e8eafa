-- SPDX-License-Identifier: MIT
-- An address as one number.
-- outcome: script_error or blocked_address
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.url = "http://2852039166/"
    end,
}
