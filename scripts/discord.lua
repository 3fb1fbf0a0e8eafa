-- SPDX-License-Identifier: MIT
-- discord: a message or an embed to a Discord channel, by its webhook.
-- Target: https://discord.com/api/webhooks/ID/TOKEN
-- Options: text (a template over the event; without it an embed of the event's title, fields and
--   link, coloured by its priority), username, avatar_url, thread_id, silent, link, site.
-- Sends: {"embeds":[{"title":"request.added: Log4j","color":14495300,"fields":[{"name":"Priority",
--   "value":"Urgent","inline":true}],...}],"allowed_mentions":{"parse":[]}}
-- Follows: https://discord.com/developers/docs/resources/webhook#execute-webhook
-- Limits: content 2000 characters, an embed's title 256, its fields 25 of 256 + 1024, in all 6000;
--   nobody is mentioned; 5 messages in 2 seconds and webhook. wait=true is added to the address:
--   only then the answer tells whether the message was stored.
local answer = require "grapnel.answer"
local json = require "grapnel.json"
local message = require "grapnel.message"

local COLORS = { critical = 0xdd2e44, high = 0xff9d2e, medium = 0xf2c744, low = 0x5bb75b }
local SUPPRESS_NOTIFICATIONS, UNKNOWN_WEBHOOK = 4096, 10015

local function embed(event, link)
    local escape, fields = message.markdown, json.array()
    for _, it in ipairs(message.facts(event)) do            -- 20 of at most 80 + 180: below 6000
        table.insert(fields, { name = message.fit(it.name, escape, 80),
                               value = message.fit(it.value, escape, 180),
                               inline = #it.value <= 40 })
    end
    return { title = message.fit(message.title(event), escape, 256), url = link, fields = fields,
             color = COLORS[message.level(event)], timestamp = event.time }
end

local function content_of(event, options)
    local content = options.text and message.fill(options.text, event, message.markdown, 2000)
    local link = content and options.link and message.link(event, options)
    return link and #content + #link < 2000 and content .. "\n" .. link or content
end

return {
    api = 1,
    help = "a message to a Discord channel",
    options = {
        text = message.template("the message, in Markdown", "**{{data.title}}**", nil, 2000),
        username = {
            type = "string", min = 1, max = 80, help = "the sender's name", example = "grapnel",
            check = function(name)
                local refused = name:lower():match("discord") or name:lower():match("clyde")
                return not refused, refused and "Discord refuses names with " .. refused
            end,
        },
        avatar_url = { type = "string", help = "the sender's picture",
                       example = "https://example.com/hook.png" },
        thread_id = {
            type = "string", help = "a thread of the channel", example = "1128693428472930384",
            check = function(id) return id:find("^%d+$"), "digits expected" end,
        },
        silent = { type = "boolean", default = false, help = "without a notification" },
        link = message.LINK, site = message.SITE,
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local content, embeds = content_of(event, options), nil
        if not options.text then embeds = { embed(event, message.link(event, options)) } end
        if not (content or embeds) then return false, "the message would be empty" end
        request.body = {
            content = content, embeds = embeds, username = options.username,
            avatar_url = options.avatar_url, allowed_mentions = { parse = json.array() },
            flags = options.silent and SUPPRESS_NOTIFICATIONS or nil,
        }
        request.url = request.url .. (request.url:find("?", 1, true) and "&" or "?") .. "wait=true"
            .. (options.thread_id and "&thread_id=" .. options.thread_id or "")
    end,

    response = function(response)
        local problem = response.status == 404 and response.json()
        if type(problem) == "table" and problem.code == UNKNOWN_WEBHOOK then
            return "disable", answer.says(response)
        end
        return answer.refused(response, 400)
    end,

    tests = {
        {
            name = "without options: an embed",
            event = [[{"event":"request.added","time":"2026-01-30T10:11:12Z","data":{
                "title":"Log4j *2*","priority":"Urgent","assignee":null,"amount":1999.90,
                "absolute_url":"https://d/requests/a_1/"}}]],
            expect = {
                url = "https://example.com/?wait=true",
                body = {
                    allowed_mentions = { parse = {} },
                    embeds = {
                        {
                            title = "request\\.added: Log4j \\*2\\*", color = 0xdd2e44,
                            url = "https://d/requests/a_1/", timestamp = "2026-01-30T10:11:12Z",
                            fields = {
                                { name = "Priority", value = "Urgent", inline = true },
                                { name = "Amount", value = "1999\\.90", inline = true },
                                { name = "Absolute url", value = "https://d/requests/a_1/",
                                  inline = true },
                            },
                        },
                    },
                },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out" },
            expect = {
                body = {
                    allowed_mentions = { parse = {} },
                    embeds = { { title = "user\\.locked\\_out", fields = {},
                                 timestamp = "2026-01-01T00:00:00Z" } },
                },
            },
        },
        {
            name = "every option",
            event = { data = { title = "@everyone [x](http://evil) <@1> é", u = "https://d/1" } },
            options = { text = "{{data.title}}{{data.none}}", username = "hooks", silent = true,
                        avatar_url = "https://d/a.png", thread_id = "42", link = "data.u" },
            webhook = { target = "https://discord.com/api/webhooks/1/t?x=1" },
            expect = {
                url = "https://discord.com/api/webhooks/1/t?x=1&wait=true&thread_id=42",
                body = {
                    content = "@\u{200b}everyone \\[x\\]\\(http://evil\\) \\<@\u{200b}1\\> é\n"
                        .. "https://d/1",
                    username = "hooks", avatar_url = "https://d/a.png", flags = 4096,
                    allowed_mentions = { parse = {} },
                },
            },
        },
        {
            name = "a text that is too long is cut before it is escaped",
            event = { data = { title = ("*"):rep(5000) } },
            options = { text = "**{{data.title}}**" },
            expect = {
                body = {
                    content = "**" .. ("\\*"):rep(497) .. "\\.\\.\\." .. "**",
                    allowed_mentions = { parse = {} },
                },
            },
        },
        {
            name = "a message of nothing is not sent",
            options = { text = "{{data.title}}" },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "what Discord refuses is not tried again",
            response = { status = 400, body = '{"message":"Invalid Form Body","code":50035}' },
            expect = { verdict = { "fail", "400: Invalid Form Body" } },
        },
        {
            name = "a webhook that was deleted there",
            response = { status = 404, body = '{"message":"Unknown Webhook","code":10015}' },
            expect = { verdict = { "disable", "Unknown Webhook" } },
        },
        {
            name = "a limit is the engine's matter",
            response = { status = 429, body = '{"retry_after":0.5}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { username = "Discord", thread_id = "x", silent = "yes", txt = "" },
            expect = {
                invalid = { username = "refuses names with discord", thread_id = "digits",
                            silent = "boolean", txt = [["text"]] },
            },
        },
    },
}
