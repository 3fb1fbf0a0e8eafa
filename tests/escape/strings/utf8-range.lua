-- SPDX-License-Identifier: MIT
-- A code point beyond the last.
-- outcome: script_error
-- reason: value out of range
return {
    api = 1,
    transform = function(request)
        request.body = utf8.char(0x80000000)
    end,
}
