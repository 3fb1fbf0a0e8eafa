-- SPDX-License-Identifier: MIT
-- custom-signature: task 3, sign id and body in a header of one's own; solved with lua/README.md.
local crypto = require "grapnel.crypto"

return {
    api = 1,

    sign = function(request, event, ctx)
        local signed = event.id .. ":" .. request.body
        local mac = crypto.hmac("sha512", ctx.secret, signed)
        request.headers["X-Company-Signature"] = "sha512=" .. crypto.base64(mac)
    end,

    tests = {
        {
            name = "a vector made with openssl",
            event = { event = "test", id = "id-1" },
            secrets = { "key" },
            request = { body = "{}" },
            expect = {
                body = "{}",
                headers = {
                    ["X-Company-Signature"] = "sha512=Nr8gnyk2H3PYbg4db8Nbm6WcEJ+/iy2t44jNRa9lU+OZ"
                        .. "RnncmK6KYZR1obIYMggMonDBUvNBJLT/BBvrfHnxrA==",
                },
            },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "the key is nil" },
        },
    },
}
