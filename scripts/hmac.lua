-- SPDX-License-Identifier: MIT
-- hmac: an HMAC under any name and in any form, for receivers that have a format of their own.
-- Options: signed (what is signed: {{body}}, {{timestamp}}, {{id}}, {{event}}, {{tenant}}, {{url}},
--   {{method}}, {{attempt}}), header, value (what is sent: the same names and {{signatures}}), each
--   (one of them: the same and {{signature}}), separator, secrets, algorithm, encoding,
--   key_encoding, keys (instead of the webhook's secrets), time, timestamp_header.
-- Sends: X-Signature: 244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb4
-- Limits: {{url}} is the address as it stands when this script's turn comes.
-- Follows: RFC 2104; its tests hold the options for Convoy, WebhookX, Zendesk and Stripe.
local check = require "grapnel.check"
local crypto = require "grapnel.crypto"
local signing = require "grapnel.signing"
local text = require "grapnel.text"
local time = require "grapnel.time"

local NAMES = { "body", "timestamp", "id", "event", "tenant", "url", "method", "attempt" }
local function fields(more) return check.fields({ more, table.unpack(NAMES) }) end

local ENCODE = {
    hex = crypto.hex, base64 = crypto.base64, base64url = crypto.base64url,
    HEX = function(bytes) return crypto.hex(bytes):upper() end,
}
local DECODE = {
    text = function(key) return key end,
    hex = crypto.from_hex,
    base64 = function(key) return crypto.from_base64((key:gsub("^whsec_", ""))) end,
}
local SPELL = {
    seconds = function(at) return ("%d"):format(at) end,
    milliseconds = function(at) return ("%d000"):format(at) end,
    rfc3339 = function(at) return time.format(at) end,
}
local function one_of(...) return { type = "string", choices = { ... }, default = (...) } end

return {
    api = 1,
    help = "an HMAC in a header, in any form",
    options = {
        header = { type = "string", default = "X-Signature", check = check.header_name,
                   help = "where it is sent", example = "X-Hub-Signature-256" },
        signed = { type = "text", default = "{{body}}", check = check.fields(NAMES),
                   help = "what is signed", example = "{{timestamp}}.{{body}}" },
        value = { type = "string", default = "{{signatures}}", check = fields("signatures"),
                  help = "what is sent", example = "t={{timestamp}},{{signatures}}" },
        each = { type = "string", default = "{{signature}}", check = fields("signature"),
                 help = "one signature of them", example = "v1={{signature}}" },
        separator = { type = "string", default = ",", help = "between signatures" },
        secrets = one_of("newest", "all"),              -- which sign while one is rotated
        algorithm = one_of("sha256", "sha512", "sha1", "md5"),
        encoding = one_of("hex", "HEX", "base64", "base64url"),
        key_encoding = one_of("text", "hex", "base64"), -- how a secret is made a key
        time = one_of("seconds", "milliseconds", "rfc3339"),
        keys = { type = "list", of = "secret", help = "instead of the webhook's secrets" },
        timestamp_header = { type = "string", check = check.header_name,
                             help = "sends the time as well", example = "X-Timestamp" },
    },

    sign = function(request, event, ctx)
        local options, parts = ctx.options, {}
        local values = {
            body = request.body, timestamp = SPELL[options.time](ctx.attempt.time), id = event.id,
            event = event.event, tenant = event.tenant, url = request.url,
            method = request.method, attempt = ctx.attempt.number,
        }
        local signed = text.template(options.signed, values)
        local keys = options.keys and options.keys[1] and options.keys or signing.secrets(ctx)
        for i = 1, options.secrets == "all" and #keys or 1 do
            local key = assert(DECODE[options.key_encoding](keys[i]))
            values.signature = ENCODE[options.encoding](crypto.hmac(options.algorithm, key, signed))
            parts[i] = text.template(options.each, values)
        end
        values.signatures = table.concat(parts, options.separator)
        request.headers[options.header] = text.template(options.value, values)
        if options.timestamp_header then
            request.headers[options.timestamp_header] = values.timestamp
        end
    end,

    tests = {
        {
            name = "alone it is the body's, in hexadecimal digits (Convoy's simple form)",
            secrets = { "convoy-webhook-secret" },
            request = { body = '{"event":"charge.success","amount":1000,"currency":"NGN"}' },
            expect = {
                headers = {
                    ["X-Signature"] =
                        "244449b7f48cbc2709060c9dcdc2b3aa47a78f540430579015c579fb12defbb4",
                },
            },
        },
        {
            name = "a time and a signature (Convoy's advanced form)",
            attempt = { time = 1700000000 },
            secrets = { "convoy-webhook-secret" },
            options = {
                header = "X-Convoy-Signature", signed = "{{timestamp}},{{body}}",
                value = "t={{timestamp}},{{signatures}}", each = "v1={{signature}}",
            },
            request = { body = '{"event":"charge.success","amount":1000,"currency":"NGN"}' },
            expect = {
                headers = {
                    ["X-Convoy-Signature"] = "t=1700000000,v1="
                        .. "77b8b9269f25a199846a55a2bd25b3fba151c70fdae60bb1dcd87fbbc943c55c",
                },
            },
        },
        {
            name = "the time in a header of its own (WebhookX)",
            attempt = { time = 1758706646 },
            secrets = { "foo" },
            options = {
                header = "webhookx-signature", timestamp_header = "webhookx-timestamp",
                signed = "{{timestamp}}.{{body}}", each = "v1={{ signature }}",
            },
            request = { body = '{\n        "key": "value"\n    }' },
            expect = {
                headers = {
                    ["webhookx-timestamp"] = "1758706646",
                    ["webhookx-signature"] = "v1="
                        .. "37e25342d983c26d783eafe50fe170eaac731383439568e3354315c2e84c5173",
                },
            },
        },
        {
            name = "base64, and the time as a date (Zendesk)",
            secrets = { "dGhpc19zZWNyZXQ=" },
            options = {
                header = "X-Zendesk-Webhook-Signature", encoding = "base64", time = "rfc3339",
                timestamp_header = "X-Zendesk-Webhook-Signature-Timestamp",
                signed = "{{timestamp}}{{body}}",
            },
            request = { body = '{"id":1}' },
            expect = {
                headers = {
                    ["X-Zendesk-Webhook-Signature-Timestamp"] = "2026-01-01T00:00:00Z",
                    ["X-Zendesk-Webhook-Signature"] =
                        "FpYeMPUPYFl+OO8zGgkbrC+GJDwO+5UgtTFsWTYBG6A=",
                },
            },
        },
        {
            name = "all secrets, newest first (Stripe's form)",
            attempt = { time = 1492774577 },
            secrets = { "whsec_next", "whsec_test_secret" },
            options = {
                signed = "{{timestamp}}.{{body}}", each = "v1={{signature}}", secrets = "all",
                value = "t={{timestamp}},{{signatures}}",
            },
            request = { body = '{"id":"evt_1","object":"event"}' },
            expect = {
                headers = {
                    ["X-Signature"] = "t=1492774577,v1="
                        .. "86baf03ef48b0ccfffdb90f92fca376395eb9416e9fa93ac5e9657af72786319,v1="
                        .. "654b43d3508ecadb3f8cefc4bc7d3d2bdc5ba9e03bf2c89b2d0657a8e24e4543",
                },
            },
        },
        {
            name = "a decoded key, and all that can be signed",
            event = { event = "push", tenant = "nexB" },
            attempt = { number = 2 },
            options = {
                signed = "{{timestamp}}\n{{event}}\n{{tenant}}\n{{url}}\n{{method}}\n{{attempt}}"
                    .. "\n{{body}}\n{{id}}",
                key_encoding = "base64", time = "milliseconds", encoding = "base64",
            },
            request = { body = "{}" },
            expect = {
                headers = {
                    ["X-Signature"] = "iXp1yhI8nRcmQdEzlkBv1QX8Y2G4qZJsJ/ZhWTStMdw=",
                },
            },
        },
        {
            name = "keys of its own, another algorithm, unpadded",
            secrets = {},
            options = { keys = { "two" }, algorithm = "sha512", encoding = "base64url" },
            request = { body = "{}" },
            expect = {
                headers = {
                    ["X-Signature"] =
                        "L7zZX2N0iY08bWa1rF11T8vqzyIYShu4NW_TqLz0u3m6Gv2YtJihaaWD5gcM"
                        .. "epTdF70pOGxY3JrOaOM0rH9yBQ",
                },
            },
        },
        {
            name = "a key in digits, capital letters, and a body that looks like a template",
            options = {
                keys = { "00ff10" }, key_encoding = "hex", algorithm = "sha1", encoding = "HEX",
            },
            request = { body = "{{signature}}" },
            expect = {
                headers = { ["X-Signature"] = "BF48D9A5A0199560DE96D873E35F17B712E458FA" },
            },
        },
        {
            name = "two keys of its own and another separator",
            options = {
                keys = { "a", "b" }, secrets = "all", separator = " ", algorithm = "md5",
            },
            request = { body = "{}" },
            expect = {
                headers = {
                    ["X-Signature"] =
                        "f3aa2abb92aab97cecbe6d2cf840e4c3 c0c7352062bb503b6300b040ae20e416",
                },
            },
        },
        {
            name = "a secret that cannot be decoded is an error",
            options = { key_encoding = "hex" },
            expect = { error = "not hexadecimal text" },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = {
                signed = "{{bodi}}", value = "{{signature}}", each = "{{signatures}}",
                header = "X Signature", algorithm = "sha3", encoding = "base32", time = "days",
                timestamp_header = "", secrets = "oldest", key_encoding = "base32",
            },
            expect = {
                invalid = {
                    signed = "there is no {{bodi}}; there are {{body}}",
                    algorithm = "one of sha256",
                    value = "there is no {{signature}}", each = "there is no {{signatures}}",
                    header = "the name of a header", encoding = "one of hex", time = "one of",
                    timestamp_header = "the name of a header", secrets = "one of newest, all",
                    key_encoding = "one of text, hex, base64",
                },
            },
        },
    },
}
