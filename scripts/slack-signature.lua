-- SPDX-License-Identifier: MIT
-- slack-signature: signs as Slack signs what it sends to apps, for receivers written for Slack.
-- Options: none. The key is the webhook's newest secret as it is.
-- Sends: X-Slack-Request-Timestamp: 1531420618, X-Slack-Signature: v0=a2114d57b48eac39b9ad189dd...
-- Limits: one signature, as Slack has it; while a secret is rotated, only the newest one signs.
--   It has nothing to do with messages to Slack: those are made by the script slack.
-- Follows: https://docs.slack.dev/authentication/verifying-requests-from-slack
local signing = require "grapnel.signing"

return {
    api = 1,
    help = "X-Slack-Signature, v0",
    secret = "shared",

    sign = function(request, _, ctx)
        local at = ("%d"):format(ctx.attempt.time)
        local signed = "v0:" .. at .. ":" .. request.body
        request.headers["X-Slack-Request-Timestamp"] = at
        request.headers["X-Slack-Signature"] =
            "v0=" .. signing.hex("sha256", signing.secrets(ctx)[1], signed)
    end,

    tests = {
        {
            name = "the vector of Slack's documentation",
            attempt = { time = 1531420618 },
            secrets = { "8f742231b10e8888abcd99yyyzzz85a5" },
            request = {
                body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
                    .. "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA"
                    .. "&user_name=roadrunner&command=%2Fwebhook-collect&text="
                    .. "&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J"
                    .. "%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
                    .. "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
            },
            expect = {
                headers = {
                    ["X-Slack-Request-Timestamp"] = "1531420618",
                    ["X-Slack-Signature"] = "v0="
                        .. "a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                },
            },
        },
        {
            name = "while a secret is rotated the newest signs",
            attempt = { time = 1531420618 },
            secrets = { "new", "8f742231b10e8888abcd99yyyzzz85a5" },
            request = { body = "{}" },
            expect = {
                headers = {
                    ["X-Slack-Signature"] = "v0="
                        .. "7e8a4e9a3342928443c3deeaf7d4041cb5a58b7219f92c72b92556d6bc0c138e",
                },
            },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
    },
}
