-- SPDX-License-Identifier: MIT
-- Bytes that are no text.
-- outcome: script_error
-- reason: ^not-utf8.lua:8: a.+b$
return {
    api = 1,
    transform = function()
        error("a\xff\xfe\xc0\x80b")
    end,
}
