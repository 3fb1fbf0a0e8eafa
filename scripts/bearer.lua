-- SPDX-License-Identifier: MIT
-- bearer: a token in a header, by default in Authorization.
-- Options: token (a secret), header, scheme (what stands before the token; empty: nothing).
-- Sends: Authorization: Bearer mF_9.B5f-4.1JqM, or X-Gitlab-Token: mF_9.B5f-4.1JqM
-- Limits: the token is fixed; none is fetched or renewed. It is masked wherever requests are shown.
-- Follows: RFC 6750, section 2.1; X-Gitlab-Token and X-API-Key are the same without a scheme.
local check = require "grapnel.check"

return {
    api = 1,
    help = "a token in Authorization or another header",
    options = {
        token = { type = "secret", required = true, check = check.header_value,
                  help = "what the receiver expects", example = "mF_9.B5f-4.1JqM" },
        header = { type = "string", default = "Authorization", check = check.header_name,
                   help = "where it is sent", example = "X-Gitlab-Token" },
        scheme = { type = "string", default = "Bearer", check = check.header_value,
                   help = "what stands before it, may be empty", example = "Token" },
    },

    sign = function(request, _, ctx)
        local options = ctx.options
        local before = options.scheme == "" and "" or options.scheme .. " "
        request.headers[options.header] = before .. options.token
    end,

    tests = {
        {
            name = "a bearer token, the example of RFC 6750",
            options = { token = "mF_9.B5f-4.1JqM" },
            request = { headers = { ["authorization"] = "Basic b2xkOg==" } },
            expect = { headers = { ["Authorization"] = "Bearer mF_9.B5f-4.1JqM" } },
        },
        {
            name = "GitLab's token, without a scheme",
            options = { token = "s3cret", header = "X-Gitlab-Token", scheme = "" },
            expect = { headers = { ["X-Gitlab-Token"] = "s3cret", ["Authorization"] = false } },
        },
        {
            name = "another scheme",
            options = { token = "key=s3cret", scheme = "GenieKey" },
            expect = { headers = { ["Authorization"] = "GenieKey key=s3cret" } },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { token = "a\r\nX: y", header = "X-Token:", scheme = "Bearer " },
            expect = {
                invalid = { token = "only ASCII", header = "the name of a header",
                            scheme = "begins or ends with a blank" },
            },
        },
        {
            name = "a token is needed",
            expect = { invalid = { token = "is required" } },
        },
    },
}
