-- SPDX-License-Identifier: MIT
-- A format whose digits overflow.
-- outcome: script_error
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.body = tostring(string.packsize("c99999999999999999999"))
    end,
}
