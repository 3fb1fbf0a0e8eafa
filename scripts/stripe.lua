-- SPDX-License-Identifier: MIT
-- stripe: signs as Stripe signs its webhooks, for receivers that use Stripe's libraries.
-- Options: header. The keys are the webhook's secrets as they are, "whsec_" included.
-- Sends: Stripe-Signature: t=1492774577,v1=654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d06...
-- Limits: only the signature; a receiver that reads Stripe's events wants their members as well.
--   Receivers refuse what is older than five minutes: each attempt is signed with its own time.
-- Follows: https://docs.stripe.com/webhooks#verify-manually
local check = require "grapnel.check"
local signing = require "grapnel.signing"

return {
    api = 1,
    help = "Stripe-Signature, one v1 for each secret",
    secret = "shared",
    options = {
        header = { type = "string", default = "Stripe-Signature", check = check.header_name,
                   help = "the header's name", example = "X-Signature" },
    },

    sign = function(request, _, ctx)
        local at = ("%d"):format(ctx.attempt.time)
        local signed, parts = at .. "." .. request.body, { "t=" .. at }
        for _, secret in ipairs(signing.secrets(ctx)) do
            table.insert(parts, "v1=" .. signing.hex("sha256", secret, signed))
        end
        request.headers[ctx.options.header] = table.concat(parts, ",")
    end,

    tests = {
        {
            name = "one secret",
            attempt = { time = 1492774577 },
            secrets = { "whsec_test_secret" },
            request = { body = '{"id":"evt_1","object":"event"}' },
            expect = {
                headers = {
                    ["Stripe-Signature"] = "t=1492774577,v1="
                        .. "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543",
                },
                body = '{"id":"evt_1","object":"event"}',
            },
        },
        {
            name = "while a secret is rolled there are two, newest first, and one time",
            attempt = { time = 1492774577 },
            secrets = { "whsec_next", "whsec_test_secret" },
            request = { body = '{"id":"evt_1","object":"event"}' },
            expect = {
                headers = {
                    ["Stripe-Signature"] = "t=1492774577,v1="
                        .. "86baf03ef48b0ccfffdb90f92fca376395eb9416e9fa93ac5e9657af72786319,v1="
                        .. "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543",
                },
            },
        },
        {
            name = "under another name, over text beyond ASCII, at a later attempt",
            attempt = { time = 1767225660, number = 4 },
            secrets = { "sécrèt" },
            options = { header = "X-Signature" },
            request = { body = "grüße \u{1F600}" },
            expect = {
                headers = {
                    ["Stripe-Signature"] = false,
                    ["X-Signature"] = "t=1767225660,v1="
                        .. "57b3f6eb33b4ff99a0cd7ad1f97673a786215d8282f2e6f36f121d5e05d89724",
                },
            },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
        {
            name = "a name that is no header's is found when the webhook is saved",
            options = { header = "Stripe Signature" },
            expect = { invalid = { header = "the name of a header" } },
        },
    },
}
