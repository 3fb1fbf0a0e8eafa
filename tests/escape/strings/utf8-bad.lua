-- SPDX-License-Identifier: MIT
-- Bytes that are no UTF-8.
-- outcome: script_error
-- reason: invalid UTF-8 code
return {
    api = 1,
    transform = function(request)
        request.body = tostring(utf8.codepoint("\xff"))
    end,
}
