-- SPDX-License-Identifier: MIT
-- Keys of MACs are kept for the next use; huge ones are not.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local crypto = require "grapnel.crypto"
        for i = 1, 4 do
            local key = ("k"):rep((1 << 20) + i)
            crypto.hmac("sha256", key, "")
            crypto.hmac("sha512", key, key)
        end
        request.body = "ends"
    end,
}
