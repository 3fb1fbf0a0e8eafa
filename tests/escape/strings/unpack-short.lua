-- SPDX-License-Identifier: MIT
-- A length prefix that promises more than is there.
-- outcome: script_error
-- reason: data string too short
return {
    api = 1,
    transform = function(request)
        request.body = string.unpack("s8", "\255\255\255\255\255\255\255\127abc")
    end,
}
