-- SPDX-License-Identifier: MIT
-- Nothing, of nothing, with nothing.
-- outcome: delivered
-- sends: b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad
return {
    api = 1,
    transform = function(request)
        local crypto = require "grapnel.crypto"
        request.body = crypto.hex(crypto.hmac("sha256", "", ""))
    end,
}
