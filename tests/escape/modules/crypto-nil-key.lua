-- SPDX-License-Identifier: MIT
-- A secret that is not there must not sign as an empty one.
-- outcome: script_error
-- reason: bad argument #2 to 'hmac' \(string expected, got nil
return {
    api = 1,
    sign = function(request, _, ctx)
        local crypto = require "grapnel.crypto"
        request.headers["X-Sum"] = crypto.hex(crypto.hmac("sha256", ctx.webhook.metadata.key, request.body))
    end,
}
