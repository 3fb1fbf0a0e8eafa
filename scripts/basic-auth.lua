-- SPDX-License-Identifier: MIT
-- basic-auth: a user name and a password, as HTTP has them.
-- Options: username, password (a secret; none is an empty one).
-- Sends: Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==
-- Limits: the password is masked wherever requests are shown, the user name is not. A service that
--   wants a key as the user name: use bearer with scheme "Basic" and base64 of "KEY:" as the token.
-- Follows: RFC 7617; names and passwords are sent as UTF-8.
local crypto = require "grapnel.crypto"

local function sendable(value)
    if value:find("%c") then return nil, "control characters cannot be sent" end
    return true
end

return {
    api = 1,
    help = "Authorization: Basic, of a user name and a password",
    options = {
        username = {
            type = "string", required = true, help = "without a colon", example = "Aladdin",
            check = function(value)
                if value:find(":", 1, true) then return nil, "a user name has no colon" end
                return sendable(value)
            end,
        },
        password = { type = "secret", help = "none is an empty password", check = sendable },
    },

    sign = function(request, _, ctx)
        local pair = ctx.options.username .. ":" .. (ctx.options.password or "")
        request.headers["Authorization"] = "Basic " .. crypto.base64(pair)
    end,

    tests = {
        {
            name = "the example of RFC 7617",
            options = { username = "Aladdin", password = "open sesame" },
            expect = { headers = { ["Authorization"] = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==" } },
        },
        {
            name = "its other example, in UTF-8",
            options = { username = "test", password = "123\u{A3}" },
            expect = { headers = { ["Authorization"] = "Basic dGVzdDoxMjPCow==" } },
        },
        {
            name = "a colon may be in the password",
            options = { username = "key", password = "a:b" },
            expect = { headers = { ["Authorization"] = "Basic a2V5OmE6Yg==" } },
        },
        {
            name = "without a password, in place of what was there",
            options = { username = "key" },
            request = { headers = { ["authorization"] = "Bearer old" } },
            expect = { headers = { ["Authorization"] = "Basic a2V5Og==" } },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { username = "a:b", password = "line\nfeed" },
            expect = {
                invalid = { username = "a user name has no colon",
                            password = "control characters" },
            },
        },
        {
            name = "a user name is needed",
            options = { password = "x" },
            expect = { invalid = { username = "is required" } },
        },
    },
}
