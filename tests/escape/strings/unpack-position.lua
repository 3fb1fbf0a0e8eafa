-- SPDX-License-Identifier: MIT
-- Reading behind the string.
-- outcome: script_error
-- reason: initial position out of string
return {
    api = 1,
    transform = function(request)
        request.body = tostring(string.unpack("i8", "12345678", 10))
    end,
}
