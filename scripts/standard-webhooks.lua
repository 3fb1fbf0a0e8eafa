-- SPDX-License-Identifier: MIT
-- standard-webhooks: signs as Standard Webhooks 1.0.0 does (v1), once per valid secret.
-- Options: none. The key is the webhook's secret: base64, decoded, after "whsec_".
-- Sends: webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
-- Limits: adds to signatures that are already there, so it goes together with -ed25519.
local crypto = require "grapnel.crypto"

return {
    api = 1,

    sign = function(request, _, ctx)
        local headers = request.headers
        local signed = table.concat(
            { headers["webhook-id"], headers["webhook-timestamp"], request.body }, ".")
        local signatures = { headers["webhook-signature"] }
        for _, secret in ipairs(ctx.secrets) do
            local key = assert(crypto.from_base64((secret:gsub("^whsec_", ""))))
            table.insert(signatures, "v1," .. crypto.base64(crypto.hmac("sha256", key, signed)))
        end
        headers["webhook-signature"] = table.concat(signatures, " ")
    end,

    tests = {
        {
            name = "the specification's own vector",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = { "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
            request = { body = '{"test": 2432232314}' },
            expect = {
                headers = {
                    ["webhook-timestamp"] = "1614265330",
                    ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
            },
        },
        {
            name = "while a secret is rotated there are two, newest first",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = {
                "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            },
            request = { body = '{"test": 2432232314}' },
            expect = {
                headers = {
                    ["webhook-signature"] = "v1,woH/1mJtZGSMCmpFTxRYbStS24eLLD/oXIYr4PYyZ7g= "
                        .. "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
            },
        },
        {
            name = "a secret that is not base64 is an error, not an unsigned request",
            secrets = { "whsec_%%%" },
            expect = { error = "base64" },
        },
    },
}
