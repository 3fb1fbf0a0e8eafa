-- SPDX-License-Identifier: MIT
-- Bytes that are no text.
-- outcome: delivered
-- log: ^info log-not-utf8: a
-- sends: x
return {
    api = 1,
    transform = function(request)
        print("a\xff\xfe\xed\xa0\x80b")
        request.body = "x"
    end,
}
