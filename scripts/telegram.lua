-- SPDX-License-Identifier: MIT
-- telegram: a message to a Telegram chat, by a bot.
-- Target: https://api.telegram.org/ or a Bot API server of your own
-- Options: token, chat_id, text (a template over the event, in Telegram's HTML; without it the
--   event's title, fields and link), link, site, thread, silent, protect, preview.
-- Sends: {"chat_id":"-100123","parse_mode":"HTML","text":"<b>request.added: Log4j</b>\n..."}
-- Follows: https://core.telegram.org/bots/api#sendmessage
-- Limits: 4096 characters; about one message a second and chat, 20 a minute and group. The token
--   is put into the address when the request is signed.
local answer = require "grapnel.answer"
local json = require "grapnel.json"
local message = require "grapnel.message"
local text = require "grapnel.text"

local MOST = 4096

local function default_text(event, options)
    local heading = "<b>" .. message.fit(message.title(event), text.escape_html, 1000) .. "</b>"
    local lines = message.lines(event, text.escape_html, 2000)
    local address = message.link(event, options)
    return heading .. (lines and "\n" .. lines or "")
        .. (address and #address < 1000 and "\n" .. text.escape_html(address) or "")
end

return {
    api = 1,
    help = "a message to a Telegram chat",
    options = {
        token = {
            type = "secret", required = true, help = "the bot's token, from @BotFather",
            check = function(token) return token:find("^%d+:[%w_-]+$"), "no bot's token" end,
        },
        chat_id = {
            type = "string", required = true, help = "a number, or @name of a channel",
            example = "-1001234567890",
            check = function(id)
                return id:find("^%-?%d+$") or id:find("^@[%w_]+$"), "a number or @name expected"
            end,
        },
        text = message.template("the message, in Telegram's HTML", "<b>{{data.title}}</b>",
                                nil, MOST),
        link = message.LINK, site = message.SITE,
        thread = { type = "integer", min = 1, help = "a topic of a forum", example = 42 },
        silent = { type = "boolean", default = false, help = "without a sound" },
        protect = { type = "boolean", default = false, help = "may not be forwarded or saved" },
        preview = { type = "boolean", default = false, help = "show a preview of links" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local said = default_text(event, options)
        if options.text then said = message.fill(options.text, event, text.escape_html, MOST) end
        if not said then return false, "the message would be empty" end
        request.body = {
            chat_id = options.chat_id, text = said, parse_mode = "HTML",
            message_thread_id = options.thread, disable_notification = options.silent or nil,
            protect_content = options.protect or nil,
            link_preview_options = { is_disabled = not options.preview },
        }
    end,

    sign = function(request, _, ctx)
        request.url = request.url:gsub("/+$", "") .. "/bot" .. ctx.options.token .. "/sendMessage"
    end,

    response = function(response)
        local problem = response.json()
        if type(problem) ~= "table" or problem.ok ~= false then return end
        local seconds = json.get(problem, "parameters.retry_after")
        if seconds and not response.headers["retry-after"] then return "retry", seconds end
        local moved = json.get(problem, "parameters.migrate_to_chat_id")
        if moved then return "fail", "the chat's id is now " .. json.encode(moved) end
        local code = json.get(problem, "error_code")
        if code == 400 or code == 403 then return "fail", answer.says(response) end
        if response.status < 300 then return "retry" end
    end,

    tests = {
        {
            name = "only what is required: title, fields and link",
            event = [[{"event":"request.added","data":{"title":"Log4j <2>","priority":"Urgent",
                "assignee":null,"html_url":"https://d/1?a=1&b=2"}}]],
            options = { token = "1:a-b_C", chat_id = "-100123" },
            webhook = { target = "https://api.telegram.org/" },
            expect = {
                url = "https://api.telegram.org/bot1:a-b_C/sendMessage",
                body = {
                    chat_id = "-100123", parse_mode = "HTML",
                    link_preview_options = { is_disabled = true },
                    text = "<b>request.added: Log4j &lt;2&gt;</b>\nPriority: Urgent\n"
                        .. "Html url: https://d/1?a=1&amp;b=2\nhttps://d/1?a=1&amp;b=2",
                },
            },
        },
        {
            name = "an event of nothing, a server of one's own",
            options = { token = "1:a", chat_id = "@ch" },
            webhook = { target = "https://example.com/telegram" },
            expect = {
                url = "https://example.com/telegram/bot1:a/sendMessage",
                body = [[{"chat_id":"@ch","link_preview_options":{"is_disabled":true},]]
                    .. [["parse_mode":"HTML","text":"<b>test</b>"}]],
            },
        },
        {
            name = "every option; no markup gets in",
            event = { data = { title = "</b><a href='x'>é&", none = nil } },
            options = { token = "1:a", chat_id = "5", text = "<b>{{data.title}}</b>{{data.none}}",
                        thread = 7, silent = true, protect = true, preview = true },
            expect = {
                body = {
                    chat_id = "5", parse_mode = "HTML", message_thread_id = 7,
                    disable_notification = true, protect_content = true,
                    link_preview_options = { is_disabled = false },
                    text = "<b>&lt;/b&gt;&lt;a href=&#39;x&#39;&gt;é&amp;</b>",
                },
            },
        },
        {
            name = "what is too long is cut before it is escaped, so that tags stay whole",
            event = { data = { title = ("&"):rep(5000) } },
            options = { token = "1:a", chat_id = "5", text = "<b>{{data.title}}</b>" },
            expect = {
                body = { chat_id = "5", parse_mode = "HTML",
                         link_preview_options = { is_disabled = true },
                         text = "<b>" .. ("&amp;"):rep(509) .. "...</b>" },
            },
        },
        {
            name = "a message of nothing is not sent",
            options = { token = "1:a", chat_id = "5", text = "{{data.title}}" },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "a limit",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 429, body = [[{"ok":false,"error_code":429,"description":
                "Too Many Requests: retry after 34","parameters":{"retry_after":34}}]] },
            expect = { verdict = { "retry", 34 } },
        },
        {
            name = "a limit with Retry-After holds the webhook, as the engine does",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 429, headers = { ["Retry-After"] = "34" }, body =
                [[{"ok":false,"error_code":429,"parameters":{"retry_after":34}}]] },
            expect = { verdict = false },
        },
        {
            name = "a bot that was blocked",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 403, body = [[{"ok":false,"error_code":403,
                "description":"Forbidden: bot was blocked by the user"}]] },
            expect = { verdict = { "fail", "Forbidden: bot was blocked by the user" } },
        },
        {
            name = "a group that became a supergroup",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 400, body = [[{"ok":false,"error_code":400,"description":"x",
                "parameters":{"migrate_to_chat_id":-1001234567890123}}]] },
            expect = { verdict = { "fail", "the chat's id is now -1001234567890123" } },
        },
        {
            name = "no success in a 200",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 200, body = '{"ok":false,"error_code":500}' },
            expect = { verdict = { "retry" } },
        },
        {
            name = "success",
            options = { token = "1:a", chat_id = "5" },
            response = { status = 200, body = '{"ok":true,"result":{}}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { token = "x/y", chat_id = "5 5", thread = 0 },
            expect = { invalid = { token = "no bot's token", chat_id = "@name expected",
                                   thread = "at least 1" } },
        },
    },
}
