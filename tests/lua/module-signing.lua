-- SPDX-License-Identifier: MIT
-- module-signing: tests of lua/signing.lua; it puts what the module answers into headers.
local crypto = require "grapnel.crypto"
local signing = require "grapnel.signing"

local function shown(list)
    for i, bytes in ipairs(list) do list[i] = crypto.hex(bytes) end
    return table.concat(list, " ")
end

return {
    api = 1,
    options = {
        call = { type = "string", required = true, choices = { "secrets", "keys", "seeds" } },
    },

    sign = function(request, _, ctx)
        request.headers["X-Found"] = shown(signing[ctx.options.call](ctx))
        request.headers["X-Standard"] = crypto.base64(signing.standard(request))
        signing.add(request, { "a", "b" })
    end,

    tests = {
        {
            name = "secrets are the texts, newest first, without private keys",
            options = { call = "secrets" }, request = { body = "x" },
            secrets = { "whsec_YQ==", "whsk_YQ==", "b" },
            expect = {
                headers = {
                    ["X-Found"] = "77687365635f59513d3d 62", ["webhook-signature"] = "a b",
                    -- 00000000-0000-7000-8000-000000000000.1767225600.x
                    ["X-Standard"] = "MDAwMDAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAwLjE3NjcyMj"
                        .. "U2MDAueA==",
                },
            },
        },
        {
            name = "keys are what the texts decode to, with or without a prefix",
            options = { call = "keys" }, secrets = { "whsec_YQ==", "whsk_YQ==", "Yg==" },
            request = { headers = { ["webhook-signature"] = "z" } },
            expect = { headers = { ["X-Found"] = "61 62", ["webhook-signature"] = "z a b" } },
        },
        {
            name = "only the prefix is taken off, and only at the beginning",
            options = { call = "keys" }, secrets = { "YQ==whsec_" },
            expect = { error = "secret 1 of this webhook is not base64 text" },
        },
        {
            name = "the second is named when it is the second that is wrong",
            options = { call = "keys" }, secrets = { "YQ==", "!" },
            expect = { error = "secret 2 of this webhook is not base64 text" },
        },
        {
            name = "no key is empty",
            options = { call = "keys" }, secrets = { "whsec_" },
            expect = { error = "secret 1 of this webhook is empty" },
        },
        {
            name = "seeds are 32 bytes, also of a pair",
            options = { call = "seeds" },
            secrets = {
                "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "whsec_YQ==",
                "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh//////////////////"
                    .. "/////////////////////////w==",
            },
            expect = {
                headers = {
                    ["X-Found"] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                        .. " 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
                },
            },
        },
        {
            name = "33 bytes are no seed",
            options = { call = "seeds" },
            secrets = { "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g" },
            expect = { error = "private key 1 of this webhook has 33 bytes; 32 or 64 are" },
        },
        {
            name = "without a usable secret each of them raises",
            options = { call = "secrets" }, secrets = { "whsk_YQ==" },
            expect = { error = "no secret to sign with, so nothing can be signed" },
        },
        {
            name = "also seeds",
            options = { call = "seeds" },
            expect = { error = 'no secret that begins with "whsk_", so nothing can be signed' },
        },
    },
}
