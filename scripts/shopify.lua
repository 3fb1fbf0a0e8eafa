-- SPDX-License-Identifier: MIT
-- shopify: signs as Shopify signs its webhooks, for receivers that were written for those.
-- Options: topic (a template over the event), shop_domain, api_version. The key is the webhook's
--   newest secret as it is, which for Shopify is the app's client secret.
-- Sends: X-Shopify-Hmac-SHA256: V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2os=, X-Shopify-Topic,
--   X-Shopify-Event-Id (the event's id), X-Shopify-Webhook-Id (one for each event and webhook, the
--   same at every attempt), X-Shopify-Triggered-At (the event's time)
-- Limits: no time is signed and one secret signs, as Shopify has it.
-- Follows: https://shopify.dev/docs/apps/build/webhooks/subscribe/https
local check = require "grapnel.check"
local crypto = require "grapnel.crypto"
local signing = require "grapnel.signing"
local text = require "grapnel.text"

local function visible(topic)
    local ok, problem = check.header_value(topic)
    return ok and topic or error("the topic '" .. topic .. "': " .. problem, 0)
end

return {
    api = 1,
    help = "X-Shopify-Hmac-SHA256 over the body",
    secret = "shared",
    options = {
        topic = { type = "string", default = "{{event}}", check = check.template,
                  help = "what happened, a template", example = "orders/create" },
        shop_domain = { type = "string", check = check.header_value,
                        help = "the shop's name", example = "example.myshopify.com" },
        api_version = { type = "string", check = check.header_value,
                        help = "the version of Shopify's API", example = "2026-01" },
    },

    sign = function(request, event, ctx)
        local headers, options = request.headers, ctx.options
        headers["X-Shopify-Topic"] = visible(text.template(options.topic, event))
        headers["X-Shopify-Shop-Domain"] = options.shop_domain
        headers["X-Shopify-API-Version"] = options.api_version
        headers["X-Shopify-Event-Id"] = event.id
        headers["X-Shopify-Webhook-Id"] = crypto.uuid5(ctx.webhook.uuid, event.id)
        headers["X-Shopify-Triggered-At"] = event.time
        headers["X-Shopify-Hmac-SHA256"] =
            signing.base64("sha256", signing.secrets(ctx)[1], request.body)
    end,

    tests = {
        {
            name = "a signature and who, what, when",
            event = { event = "orders.create", id = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
                      time = "2026-03-29T18:00:27.877041743Z" },
            secrets = { "hush" },
            options = { topic = "orders/create", shop_domain = "example.myshopify.com",
                        api_version = "2026-01" },
            request = { body = '{"id":123456789,"total_price":"99.00"}' },
            expect = {
                headers = {
                    ["X-Shopify-Hmac-SHA256"] = "V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2os=",
                    ["X-Shopify-Topic"] = "orders/create",
                    ["X-Shopify-Shop-Domain"] = "example.myshopify.com",
                    ["X-Shopify-API-Version"] = "2026-01",
                    ["X-Shopify-Event-Id"] = "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
                    ["X-Shopify-Webhook-Id"] = "0470c4b6-c9de-57a6-9292-cbd41bbb5587",
                    ["X-Shopify-Triggered-At"] = "2026-03-29T18:00:27.877041743Z",
                },
                body = '{"id":123456789,"total_price":"99.00"}',
            },
        },
        {
            name = "without options the topic is the event's name; the newest secret signs",
            event = { event = "orders.create", data = { id = 1 } },
            secrets = { "hush", "old" },
            request = { body = '{"id":123456789,"total_price":"99.00"}' },
            expect = {
                headers = {
                    ["X-Shopify-Hmac-SHA256"] = "V9RIXFzn4GCoDAfZICebD/DTE//XoA9QtqGbU1Fz2os=",
                    ["X-Shopify-Topic"] = "orders.create",
                    ["X-Shopify-Shop-Domain"] = false,
                    ["X-Shopify-API-Version"] = false,
                },
            },
        },
        {
            name = "a topic from the data cannot end its header",
            event = [[{"event":"x","data":{"topic":"a\r\nX-Evil: 1"}}]],
            options = { topic = "{{data.topic}}" },
            expect = { error = "only ASCII characters that show can be sent" },
        },
        {
            name = "without a secret nothing is sent",
            secrets = {},
            expect = { error = "this webhook has no secret to sign with" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { topic = "{{a..b}}", shop_domain = "über.example", api_version = " 1" },
            expect = {
                invalid = { topic = "empty name", shop_domain = "only ASCII",
                            api_version = "begins or ends with a blank" },
            },
        },
    },
}
