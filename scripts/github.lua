-- SPDX-License-Identifier: MIT
-- github: signs as GitHub signs its webhooks, for receivers that were written for those.
-- Options: none. The key is the webhook's newest secret as it is, with its prefix if it has one.
-- Sends: X-Hub-Signature-256: sha256=757107ea..., X-Hub-Signature: sha1=..., X-GitHub-Event,
--   X-GitHub-Delivery (the event's id, the same at every attempt)
-- Limits: one secret, as GitHub has it; while it is rotated, only the newest one signs.
local crypto = require "grapnel.crypto"

local function signature(algorithm, key, body)
    return algorithm .. "=" .. crypto.hex(crypto.hmac(algorithm, key, body))
end

return {
    api = 1,
    help = "X-Hub-Signature-256 over the body, as GitHub sends it",

    sign = function(request, event, ctx)
        local headers = request.headers
        headers["X-GitHub-Event"] = event.event
        headers["X-GitHub-Delivery"] = event.id
        headers["X-Hub-Signature"] = signature("sha1", ctx.secret, request.body)
        headers["X-Hub-Signature-256"] = signature("sha256", ctx.secret, request.body)
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
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "string expected" },
        },
    },
}
