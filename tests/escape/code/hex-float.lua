-- SPDX-License-Identifier: MIT
-- Numbers that only hexadecimal can say, and ones that nothing can.
-- outcome: delivered
-- sends: inf 0.0 nil nil
return {
    api = 1,
    transform = function(request)
        request.body = ("%s %s %s %s"):format(tonumber("0x1p4000"), tonumber("0x1p-4000"), tonumber("0x"),
            tonumber(("9"):rep(300) .. "e"))
    end,
}
