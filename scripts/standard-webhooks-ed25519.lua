-- SPDX-License-Identifier: MIT
-- standard-webhooks-ed25519: signs as Standard Webhooks 1.0.0 does with a private key (v1a).
-- Options: none. The keys are those of the webhook's secrets that begin with "whsk_": base64 of a
--   seed, or of a seed and its public key. The receiver needs only the public key, "whpk_...".
-- Sends: webhook-signature: v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7A...
-- Limits: adds to signatures that are already there, so it goes together with standard-webhooks.
-- Follows: Standard Webhooks 1.0.0, https://www.standardwebhooks.com/ (spec/standard-webhooks.md)
local crypto = require "grapnel.crypto"
local signing = require "grapnel.signing"

return {
    api = 1,
    help = "webhook-signature of Standard Webhooks, v1a: ed25519",
    secret = "ed25519",

    sign = function(request, _, ctx)
        local signed, signatures = signing.standard(request), {}
        for i, seed in ipairs(signing.seeds(ctx)) do
            signatures[i] = "v1a," .. crypto.base64(crypto.ed25519_sign(seed, signed))
        end
        signing.add(request, signatures)
    end,

    tests = {
        {
            name = "Svix's vector, from seed and public key",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = {
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6"
                    .. "p9lMicMFs6Kvg==",
            },
            request = { body = '{"test": 2432232314}' },
            expect = {
                headers = {
                    ["webhook-signature"] = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5Bdqz"
                        .. "CInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
                },
            },
        },
        {
            name = "the seed alone is the same key; a shared secret makes no signature here",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = {
                "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=",
            },
            request = { body = '{"test": 2432232314}' },
            expect = {
                headers = {
                    ["webhook-signature"] = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5Bdqz"
                        .. "CInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
                },
            },
        },
        {
            name = "while a key is rotated there are two, behind what is there",
            event = { event = "test", id = "msg_p5jXN8AQM9LWM0D4loKWxJek" },
            attempt = { time = 1614265330 },
            secrets = {
                "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
                "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=",
            },
            request = {
                body = '{"test": 2432232314}',
                headers = {
                    ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                },
            },
            expect = {
                headers = {
                    ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= "
                        .. "v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7"
                        .. "LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ== "
                        .. "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5Bdqz"
                        .. "CInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
                },
            },
        },
        {
            name = "a webhook with shared secrets only is not sent unsigned",
            expect = { error = 'this webhook has no secret that begins with "whsk_"' },
        },
        {
            name = "a key that is cut short is an error",
            secrets = { "whsk_6Xb/dCcHpPea21PS1N9VYw==" },
            expect = { error = "private key 1 of this webhook has 16 bytes; 32 or 64" },
        },
        {
            name = "a key that is not base64 is an error",
            secrets = { "whsk_%%%" },
            expect = { error = "private key 1 of this webhook is not base64" },
        },
    },
}
