-- SPDX-License-Identifier: MIT
-- A character beyond 255.
-- outcome: script_error
-- reason: value out of range
return {
    api = 1,
    transform = function(request)
        request.body = string.char(256)
    end,
}
