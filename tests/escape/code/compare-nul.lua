-- SPDX-License-Identifier: MIT
-- Strings that differ behind a zero byte: strcoll's end is not theirs.
-- outcome: delivered
-- sends: true false true
return {
    api = 1,
    transform = function(request)
        local a, b = "x\0a", "x\0b"
        request.body = ("%s %s %s"):format(a < b, a == b, "x\0" > "x")
    end,
}
