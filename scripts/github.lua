-- SPDX-License-Identifier: MIT
-- github: signs as GitHub signs its webhooks, for receivers that were written for those.
-- Options: none. The key is the webhook's newest secret as it is, with its prefix if it has one.
-- Sends: X-Hub-Signature-256: sha256=757107ea..., X-Hub-Signature: sha1=..., X-GitHub-Event,
--   X-GitHub-Delivery (the event's id, the same at every attempt)
-- Limits: one secret, as GitHub has it; while it is rotated, only the newest one signs.
-- Follows: https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers and
--   https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
local signing = require "grapnel.signing"

return {
    api = 1,
    help = "X-Hub-Signature-256 over the body, as GitHub sends it",
    secret = "shared",

    sign = function(request, event, ctx)
        local headers, key = request.headers, signing.secrets(ctx)[1]
        headers["X-GitHub-Event"] = event.event
        headers["X-GitHub-Delivery"] = event.id
        headers["X-Hub-Signature"] = "sha1=" .. signing.hex("sha1", key, request.body)
        headers["X-Hub-Signature-256"] = "sha256=" .. signing.hex("sha256", key, request.body)
    end,

    tests = {
        {
            name = "GitHub's own vector",
            event = { event = "push", id = "72d3162e-cc78-11e3-81ab-4c9367dc0958" },
            secrets = { "It's a Secret to Everybody" },
            request = { body = "Hello, World!" },
            expect = {
                headers = {
                    ["X-GitHub-Event"] = "push",
                    ["X-GitHub-Delivery"] = "72d3162e-cc78-11e3-81ab-4c9367dc0958",
                    ["X-Hub-Signature"] = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59",
                    ["X-Hub-Signature-256"] = "sha256="
                        .. "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                },
                body = "Hello, World!",
            },
        },
        {
            name = "while a secret is rotated the newest signs",
            secrets = { "It's a Secret to Everybody", "the old one" },
            request = { body = "Hello, World!" },
            expect = {
                headers = {
                    ["x-hub-signature-256"] = "sha256="
                        .. "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
                },
            },
        },
        {
            name = "the body that the engine built, with a secret that has its prefix",
            event = [[{"event":"push","data":{"n":1.0}}]],
            expect = {
                headers = {
                    ["X-Hub-Signature-256"] = "sha256="
                        .. "302fd089137ad44338c5a09680e0a527a85ad486684dde0a2696ecc8427d5311",
                },
                body = '{"hook":{"uuid":"00000000-0000-4000-8000-000000000000",'
                    .. '"event":"push","target":"https://example.com/"},"data":{"n":1.0}}',
            },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
        {
            name = "a private key makes no HMAC",
            secrets = { "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbc=" },
            expect = { error = "this webhook has no secret to sign with" },
        },
    },
}
