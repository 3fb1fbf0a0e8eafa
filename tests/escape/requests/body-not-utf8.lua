-- SPDX-License-Identifier: MIT
-- Bytes that are no text, in a table.
-- outcome: script_error
-- reason: body.a: not UTF-8 at byte 2
return {
    api = 1,
    transform = function(request)
        request.body = { a = "x\xff" }
    end,
}
