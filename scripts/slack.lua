-- SPDX-License-Identifier: MIT
-- slack: a message to a Slack channel, by an incoming webhook or by a bot.
-- Target: https://hooks.slack.com/services/..., or https://slack.com/api/chat.postMessage and token
-- Options: text (a template over the event: {{event}}, {{data.title}}; without it the event's
--   title, fields and link), channel, username, icon_emoji, link and site (what it ends with),
--   thread_ts, token (chat.postMessage only).
-- Sends: {"channel":"#security","text":"New vulnerability detected"}
-- Follows: https://docs.slack.dev/reference/methods/chat.postMessage and
--   https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
-- Limits: channel, username and icon count only where the webhook's owner allows them; a text is
--   cut at 40000 characters, which is Slack's own limit; about one message a second and channel.
local answer = require "grapnel.answer"
local credentials = require "grapnel.credentials"
local json = require "grapnel.json"
local message = require "grapnel.message"
local text = require "grapnel.text"

local MOST = 40000
local VERDICTS = {              -- of answers with "ok":false; any other is tried again
    msg_too_long = "fail", no_text = "fail", invalid_arguments = "fail", restricted_action = "fail",
    is_archived = "disable", account_inactive = "disable",
}

local function default_text(event)
    local heading = "*" .. message.fit(message.title(event, 1000), text.escape_slack, 3000) .. "*"
    local lines = message.lines(event, text.escape_slack, 3000)
    return lines and heading .. "\n" .. lines or heading
end

return {
    api = 1,
    help = "a message to a Slack channel",
    options = {
        text = message.template(
            "the message", "*{{data.title}}* ({{data.priority}})", nil, MOST),
        channel = { type = "string", help = "instead of the webhook's own", example = "#security" },
        username = { type = "string", help = "the sender's name", example = "grapnel" },
        icon_emoji = { type = "string", help = "the sender's picture", example = ":hook:" },
        link = message.LINK, site = message.SITE,
        thread_ts = { type = "string", help = "answers to this message, in its thread",
                      example = "1503435956.000247" },
        token = { type = "secret", help = "a bot's token, for chat.postMessage",
                  example = "xoxb-..." },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local address = (options.link or not options.text) and message.link(event, options)
        local tail = address and "\n<" .. text.escape_slack(address) .. ">" or ""
        local said = default_text(event)
        if options.text then
            said = message.fill(options.text, event, text.escape_slack, MOST - #tail) or ""
        end
        if said .. tail == "" then return false, "the message would be empty" end
        request.body = {
            text = said .. tail, channel = options.channel, username = options.username,
            icon_emoji = options.icon_emoji, thread_ts = options.thread_ts,
        }
    end,

    sign = function(request, _, ctx) credentials.set(request, nil, ctx.options.token) end,

    response = function(response)
        local problem = response.json()
        if type(problem) ~= "table" or problem.ok ~= false or response.status >= 300 then return end
        local verdict = VERDICTS[json.get(problem, "error")] or "retry"
        return verdict, verdict ~= "retry" and answer.says(response) or nil
    end,

    tests = {
        {
            name = "without options: title, fields and link of an event",
            event = [[{"event":"request.added","data":{"title":"Log4j <2>","priority":"Urgent",
                "assignee":null,"cc_emails":["a@b.c","d@e.f"],"notes":"",
                "absolute_url":"https://d/requests/1/"}}]],
            expect = {
                body = [[{"text":"*request.added: Log4j &lt;2&gt;*\nPriority: Urgent\n]]
                    .. [[Cc emails: a@b.c, d@e.f\nAbsolute url: https://d/requests/1/\n]]
                    .. [[<https://d/requests/1/>"}]],
            },
        },
        {
            name = "DejaCode's addresses are paths: they need its site",
            event = [[{"event":"request.added","data":{"title":"T",
                "uuid":"fbc77986-06ff-4dbb-81c3-95cd36dbed66",
                "api_url":"/api/v2/requests/1/","absolute_url":"/requests/1/"}}]],
            options = { site = "https://dejacode.example.com/" },
            expect = {
                body = { text = "*request.added: T*\n<https://dejacode.example.com/requests/1/>" },
            },
        },
        {
            name = "an event without data",
            event = { event = "user.locked_out" },
            expect = { body = '{"text":"*user.locked_out*"}' },
        },
        {
            name = "fields and override are data too",
            event = [[{"event":"vulnerability.data_update","override":{"text":"3 new\nones"}}]],
            expect = { body = '{"text":"*vulnerability.data_update: 3 new ones*"}' },
        },
        {
            name = "a template, escaped as Slack wants it, numbers as they were written",
            event = [[{"event":"request.added","data":{"title":"a < b & c","price":1999.90,
                "none":null,"absolute_url":"https://d/1?a=1&b=2"}}]],
            options = {
                text = "*{{data.title}}* {{ data.price }}{{data.none}}{{data.missing}}",
                channel = "#security", username = "hooks", icon_emoji = ":hook:",
                link = "data.absolute_url", thread_ts = "1.2",
            },
            expect = {
                body = [[{"channel":"#security","icon_emoji":":hook:",]]
                    .. [["text":"*a &lt; b &amp; c* 1999.90\n<https://d/1?a=1&amp;b=2>",]]
                    .. [["thread_ts":"1.2","username":"hooks"}]],
            },
        },
        {
            name = "nobody can call the whole channel or forge a link",
            event = { data = { title = "<!channel> <https://evil|bank>",
                               absolute_url = "javascript:1" } },
            options = { text = "{{data.title}}", link = "data.absolute_url" },
            expect = { body = [[{"text":"&lt;!channel&gt; &lt;https://evil|bank&gt;"}]] },
        },
        {
            name = "what is too long is cut before it is escaped",
            event = { data = { title = ("<é"):rep(30000) } },
            options = { text = "{{data.title}}!" },
            expect = { body = { text = ("&lt;é"):rep(4998) .. "&lt;...!" } },
        },
        {
            name = "a message of nothing is not sent",
            options = { text = "{{data.title}}" },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "a bot's token",
            options = { token = "xoxb-1", channel = "C1", text = "a" },
            expect = { body = '{"channel":"C1","text":"a"}',
                       headers = { Authorization = "Bearer xoxb-1" } },
        },
        {
            name = "an incoming webhook's answer",
            response = { status = 200, body = "ok" },
            expect = { verdict = false },
        },
        {
            name = "a 200 that says no is tried again",
            response = { status = 200, body = '{"ok":false,"error":"not_in_channel"}' },
            expect = { verdict = { "retry" } },
        },
        {
            name = "a 200 that no retry helps",
            response = { status = 200, body = '{"ok":false,"error":"msg_too_long"}' },
            expect = { verdict = { "fail", "msg_too_long" } },
        },
        {
            name = "a channel that is no more",
            response = { status = 200, body = '{"ok":false,"error":"is_archived"}' },
            expect = { verdict = { "disable", "is_archived" } },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { chanel = "#x", link = "data..url", text = "{{data..title}}" },
            expect = { invalid = { chanel = [["channel"]], link = "empty name",
                                   text = "empty name" } },
        },
    },
}
