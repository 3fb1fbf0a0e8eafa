-- SPDX-License-Identifier: MIT
-- Text that is no base64 and no hexadecimal.
-- outcome: delivered
-- sends: nil nil nil
return {
    api = 1,
    transform = function(request)
        local crypto = require "grapnel.crypto"
        request.body = ("%s %s %s"):format((crypto.from_base64("a\0b=")), (crypto.from_hex("abc")),
            (crypto.from_base64url("\xff\xff==")))
    end,
}
