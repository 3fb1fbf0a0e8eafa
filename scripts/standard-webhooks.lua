-- SPDX-License-Identifier: MIT
-- standard-webhooks: signs as Standard Webhooks 1.0.0 does (v1), once per valid secret.
-- Options: none. The key is the webhook's secret: base64, decoded, after "whsec_".
-- Sends: webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= beside the engine's
--   webhook-id and webhook-timestamp, which are signed too
-- Limits: adds to signatures that are already there, so it goes together with -ed25519; secrets
--   that begin with "whsk_" are left to that.
-- Follows: Standard Webhooks 1.0.0, https://www.standardwebhooks.com/ (spec/standard-webhooks.md)
local signing = require "grapnel.signing"

return {
    api = 1,
    help = "webhook-signature of Standard Webhooks, v1",
    secret = "symmetric",

    sign = function(request, _, ctx)
        local signed, signatures = signing.standard(request), {}
        for i, key in ipairs(signing.keys(ctx)) do
            signatures[i] = "v1," .. signing.base64("sha256", key, signed)
        end
        signing.add(request, signatures)
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
            name = "the body's own bytes are signed",
            event = { event = "contact.created", id = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W" },
            attempt = { time = 1674087231, number = 3 },
            request = {
                body = '{"type":"contact.created","timestamp":"2022-11-03T20:26:10.344522Z",'
                    .. '"data":{"id":"1f81eb52-5198-4599-803e-771906343485"}}',
            },
            expect = {
                headers = {
                    ["webhook-id"] = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
                    ["webhook-timestamp"] = "1674087231",
                    ["webhook-signature"] = "v1,ARw42xaAApl/nxRo+iPGYwSaMQaOwMo2eyH5JBRA+bQ=",
                },
            },
        },
        {
            name = "signatures that are there stay, and private keys make none here",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = {
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6"
                    .. "p9lMicMFs6Kvg==",
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            },
            request = {
                body = '{"test": 2432232314}',
                headers = { ["Webhook-Signature"] = "v1a,AAAA" },
            },
            expect = {
                headers = {
                    ["webhook-signature"] =
                        "v1a,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
            },
        },
        {
            name = "an empty body is signed as well",
            request = { body = "" },
            expect = {
                headers = {
                    ["webhook-signature"] = "v1,Dj8xD5k9wsh/d1h4Tb+nTVBcYL9UcoT53vHbqDrY2Bo=",
                },
            },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
        {
            name = "an empty secret is an error",
            secrets = { "whsec_" },
            expect = { error = "secret 1 of this webhook is empty" },
        },
        {
            name = "a secret that is not base64 is an error, not an unsigned request",
            secrets = { "whsec_%%%" },
            expect = { error = "base64" },
        },
    },
}
