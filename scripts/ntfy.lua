-- SPDX-License-Identifier: MIT
-- ntfy: a push notification by ntfy.
-- Target: the server's root, https://ntfy.sh/ or your own
-- Options: topic, title and text (templates; without them the event's title and fields), priority
--   (1 to 5 for all; else by the event's severity or priority), tags, markdown, link and site
--   (what a tap opens), icon, token, user (then the token is its password).
-- Sends: {"topic":"security","title":"request.added: Log4j","message":"Priority: Urgent",
--   "priority":5,"click":"https://..."}
-- Follows: https://docs.ntfy.sh/publish/#publish-as-json
-- Limits: a message of more than 4096 bytes would become an attachment: it is cut, the title at
--   250 characters; ntfy.sh takes 250 messages a day and visitor without an account.
local answer = require "grapnel.answer"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"

local MOST_BYTES = 4096
local PRIORITY = { critical = 5, high = 4, medium = 3, low = 2 }

return {
    api = 1,
    help = "a push notification by ntfy",
    options = {
        topic = { type = "string", required = true, help = "whoever knows it can read it",
                  example = "security-7f3a", check = function(topic)
                return topic:find("^[-_%w]+$") and #topic <= 64, "1 to 64 of A-Z a-z 0-9 _ -"
            end },
        title = message.template("the title", "{{data.title}}"),
        text = message.template("the message", "{{data.priority}}, by {{data.requester}}"),
        priority = { type = "integer", min = 1, max = 5, help = "of all; default: by the event's",
                     example = 4 },
        tags = { type = "list", of = "string", help = "tags; names of emojis become those",
                 example = { "warning", "dejacode" } },
        markdown = { type = "boolean", default = false, help = "text is Markdown" },
        link = message.LINK, site = message.SITE,
        icon = { type = "string", help = "a picture's address", example = "https://d/icon.png" },
        token = { type = "secret", help = "an access token, or the user's password" },
        user = { type = "string", help = "for servers with passwords", example = "phil" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local escape = options.markdown and message.markdown or nil
        local said = message.lines(event, escape, MOST_BYTES) or event.event
        if options.text then said = message.fill(options.text, event, escape, MOST_BYTES) end
        if not said then return false, "the message would be empty" end
        request.body = {
            topic = options.topic, message = message.cut_bytes(said, MOST_BYTES),
            title = message.filler(event, options)("title", 250) or message.title(event, 250),
            priority = options.priority or PRIORITY[message.level(event)], tags = options.tags,
            markdown = options.markdown or nil, click = message.link(event, options),
            icon = options.icon,
        }
    end,

    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token)
    end,

    response = function(response) return answer.refused(response, 400, 413) end,

    tests = {
        {
            name = "only what is required: title, fields and link",
            event = [[{"event":"request.added","data":{"title":"Log4j","priority":"Urgent",
                "n":1.50,"assignee":null,"url":"https://d/1"}}]],
            options = { topic = "t" },
            expect = {
                headers = { Authorization = false },
                body = { topic = "t", title = "request.added: Log4j", priority = 5,
                         message = "Priority: Urgent\nN: 1.50\nUrl: https://d/1",
                         click = "https://d/1" },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out" },
            options = { topic = "t" },
            expect = { body = { topic = "t", title = "user.locked_out",
                                message = "user.locked_out" } },
        },
        {
            name = "data that is no object",
            event = [[{"event":"e","data":"just é text"}]],
            options = { topic = "t" },
            expect = { body = { topic = "t", title = "e: just é text", message = "e" } },
        },
        {
            name = "data that is a list, of lists and objects too",
            event = [=[{"event":"e","data":[1.0,"b",null,[true],{"name":"n"},[],[{"x":1}]]}]=],
            options = { topic = "t" },
            expect = { body = { topic = "t", title = "e",
                                message = "1: 1.0\n2: b\n4: true\n5 name: n" } },
        },
        {
            name = "every option; no Markdown gets in",
            event = { data = { t = "a*é*", u = "https://d/1", none = nil } },
            options = { topic = "t", title = "T {{data.t}}", text = "**{{data.t}}**{{data.none}}",
                        priority = 1, tags = { "x" }, markdown = true, link = "data.u",
                        icon = "https://d/i", token = "tk_1" },
            expect = {
                headers = { Authorization = "Bearer tk_1" },
                body = { topic = "t", title = "T a*é*", message = "**a\\*é\\***", priority = 1,
                         tags = { "x" }, markdown = true, click = "https://d/1",
                         icon = "https://d/i" },
            },
        },
        {
            name = "a user and a password",
            options = { topic = "t", user = "phil", token = "mypass" },
            expect = { headers = { Authorization = "Basic cGhpbDpteXBhc3M=" } },
        },
        {
            name = "what is too long is cut by bytes, never half of a character",
            event = { data = { title = ("é"):rep(3000) } },
            options = { topic = "t", text = "a{{data.title}}" },
            expect = {
                body = { topic = "t", title = "test: " .. ("é"):rep(241) .. "...",
                         message = "a" .. ("é"):rep(2046) .. "..." },
            },
        },
        {
            name = "a message of nothing is not sent",
            options = { topic = "t", text = "{{data.text}}" },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "what ntfy refuses is not tried again",
            options = { topic = "t" },
            response = { status = 400, body = [[{"code":40009,"http":400,
                "error":"invalid request: topic invalid"}]] },
            expect = { verdict = { "fail", "400: invalid request: topic invalid" } },
        },
        {
            name = "a limit is the engine's matter",
            options = { topic = "t" },
            response = { status = 429 },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { topic = "a/b", priority = 6, tags = "x" },
            expect = { invalid = { topic = "A-Z", priority = "at most 5",
                                   tags = "list expected" } },
        },
    },
}
