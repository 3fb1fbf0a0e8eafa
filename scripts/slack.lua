-- SPDX-License-Identifier: MIT
-- slack: a message to a Slack channel, by an incoming webhook (https://hooks.slack.com/...).
-- Options: text (a template over the event: {{event}}, {{data.title}}), channel, username,
--   icon_emoji, link (path of an address that the message ends with).
-- Sends: {"channel":"#security","text":"New vulnerability detected"}
-- Limits: channel and the rest count only where the incoming webhook's owner allows them; a text
--   is cut at 40000 characters, which is Slack's own limit.
local json = require "grapnel.json"
local text = require "grapnel.text"

local MOST = 40000

return {
    api = 1,
    help = "a message to a Slack channel",
    options = {
        text = {
            type = "text", default = "{{event}}", max = MOST,
            help = "the message; {{path}} is replaced from the event",
            example = "*{{data.title}}* ({{data.priority}}) by {{data.requester}}",
        },
        channel = { type = "string", help = "instead of the webhook's own", example = "#security" },
        username = { type = "string", help = "the sender's name", example = "grapnel" },
        icon_emoji = { type = "string", help = "the sender's picture", example = ":hook:" },
        link = { type = "path", help = "where the event holds an address",
                 example = "data.absolute_url" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local message = text.template(options.text, event, text.escape_slack)
        local address = options.link and json.get(event, options.link)
        if type(address) == "string" then
            message = message .. "\n<" .. text.escape_slack(address) .. ">"
        end
        if not message:find("%S") then return false, "the message would be empty" end
        request.body = {
            text = text.truncate(message, MOST, "..."),
            channel = options.channel,
            username = options.username,
            icon_emoji = options.icon_emoji,
        }
    end,

    tests = {
        {
            name = "only the event's name, when nothing is set",
            event = { event = "request.added", data = { title = "x" } },
            expect = { body = '{"text":"request.added"}' },
        },
        {
            name = "a template, escaped as Slack wants it, numbers as they were written",
            event = [[{"event":"request.added","data":{"title":"a < b & c","price":1999.90,
                "none":null,"absolute_url":"https://d/1?a=1&b=2"}}]],
            options = {
                text = "*{{data.title}}* {{ data.price }}{{data.none}}{{data.missing}}",
                channel = "#security", username = "hooks", icon_emoji = ":hook:",
                link = "data.absolute_url",
            },
            expect = {
                body = [[{"channel":"#security","icon_emoji":":hook:",]]
                    .. [["text":"*a &lt; b &amp; c* 1999.90\n<https://d/1?a=1&amp;b=2>",]]
                    .. [["username":"hooks"}]],
            },
        },
        {
            name = "a message of nothing is not sent",
            options = { text = "{{data.title}}" },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { chanel = "#x", link = "data..url" },
            expect = { invalid = { chanel = [["channel"]], link = "empty name" } },
        },
    },
}
