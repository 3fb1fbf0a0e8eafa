-- SPDX-License-Identifier: MIT
-- teams: an Adaptive Card to a Microsoft Teams channel or chat, by a workflow.
-- Target: what the trigger "When a Teams webhook request is received" shows as its address
-- Options: title and text (templates over the event; without them the event's title and fields),
--   link and site (of an address, shown as a button), button (its words).
-- Sends: {"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive",
--   "contentUrl":null,"content":{"type":"AdaptiveCard","version":"1.4","body":[...]}}]}
-- Follows: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/
--   connectors-using and https://adaptivecards.io/explorer/
-- Limits: 28 KB a message: text is cut at 4000 characters, fields are left out from the end;
--   4 messages a second.
local answer = require "grapnel.answer"
local json = require "grapnel.json"
local message = require "grapnel.message"
local MOST_BYTES = 27000
local COLORS = { critical = "Attention", high = "Warning", medium = "Accent", low = "Good" }

local function escape(value)                    -- for a TextBlock, which reads some Markdown
    return (value:gsub("[\\`*_%[%]()#~<>]", "\\%0"))
end

local function plain(...)                       -- in a RichTextBlock nothing is Markdown
    return { type = "RichTextBlock", inlines = { ... } }
end

local function run(text, weight)
    return { type = "TextRun", text = text, weight = weight }
end

local function card(event, options)
    local title = options.title and message.fill(options.title, event, nil, 300)
    local heading = run(title or message.title(event, 300), "Bolder")
    heading.size, heading.color = "Large", COLORS[message.level(event)]
    local body = { plain(heading) }
    if options.text then
        local text = message.fill(options.text, event, escape, 4000)
        return { body[1], text and { type = "TextBlock", text = text, wrap = true } }
    end
    for _, it in ipairs(message.facts(event)) do
        table.insert(body, plain(run(it.name .. ": ", "Bolder"), run(it.value)))
    end
    return body
end

return {
    api = 1,
    help = "a card to a Microsoft Teams channel",
    options = {
        title = message.template("the card's title", "{{data.title}}"),
        text = message.template("its text, in Markdown", "**{{data.priority}}**", nil, 4000),
        link = message.LINK, site = message.SITE,
        button = { type = "string", default = "Open", min = 1, max = 50, help = "its words",
                   example = "Open in DejaCode" },
    },

    transform = function(request, event, ctx)
        local address = message.link(event, ctx.options)
        local button = { type = "Action.OpenUrl", title = ctx.options.button, url = address }
        local content = {
            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
            type = "AdaptiveCard", version = "1.4", body = card(event, ctx.options),
            actions = address and { button } or nil,
        }
        while #json.encode(content) > MOST_BYTES do table.remove(content.body) end
        request.body = { type = "message", attachments = { {
            contentType = "application/vnd.microsoft.card.adaptive", contentUrl = json.null,
            content = content,
        } } }
    end,

    -- The older connectors answer 200 to what they could not deliver.
    response = function(response)
        if not response.body:find("message delivery failed") then return end
        if response.body:find("error 413") then return "fail", answer.says(response) end
        return "retry"
    end,

    tests = {
        {
            name = "without options: title, fields and a button",
            event = [[{"event":"request.added","data":{"title":"Log4j *2* <b>","priority":"Urgent",
                "assignee":null,"absolute_url":"https://d/requests/1/"}}]],
            expect = {
                body = [[{"attachments":[{"content":{"$schema":]]
                    .. [["http://adaptivecards.io/schemas/adaptive-card.json","actions":[]]
                    .. [[{"title":"Open","type":"Action.OpenUrl","url":"https://d/requests/1/"}],]]
                    .. [["body":[{"inlines":[{"color":"Attention","size":"Large",]]
                    .. [["text":"request.added: Log4j *2* <b>","type":"TextRun",]]
                    .. [["weight":"Bolder"}],"type":"RichTextBlock"},]]
                    .. [[{"inlines":[{"text":"Priority: ","type":"TextRun","weight":"Bolder"},]]
                    .. [[{"text":"Urgent","type":"TextRun"}],]]
                    .. [["type":"RichTextBlock"},]]
                    .. [[{"inlines":[{"text":"Absolute url: ","type":"TextRun",]]
                    .. [["weight":"Bolder"},{"text":"https://d/requests/1/","type":"TextRun"}],]]
                    .. [["type":"RichTextBlock"}],]]
                    .. [["type":"AdaptiveCard","version":"1.4"},]]
                    .. [["contentType":"application/vnd.microsoft.card.adaptive",]]
                    .. [["contentUrl":null}],"type":"message"}]],
            },
        },
        {
            name = "every option; values are escaped",
            event = { data = { title = "é\u{1f389}", by = "[x](http://evil)", u = "http://d/1" } },
            options = { title = "T: {{data.title}}", text = "**by** {{data.by}}{{data.none}}",
                        link = "data.u", button = "Look" },
            expect = {
                body = {
                    type = "message",
                    attachments = { {
                        contentType = "application/vnd.microsoft.card.adaptive",
                        contentUrl = require("grapnel.json").null,
                        content = {
                            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
                            type = "AdaptiveCard", version = "1.4",
                            body = {
                                { type = "RichTextBlock", inlines = { {
                                    type = "TextRun", text = "T: é\u{1f389}", weight = "Bolder",
                                    size = "Large",
                                } } },
                                { type = "TextBlock", wrap = true,
                                  text = "**by** \\[x\\]\\(http://evil\\)" },
                            },
                            actions = { { type = "Action.OpenUrl", title = "Look",
                                          url = "http://d/1" } },
                        },
                    } },
                },
            },
        },
        {
            name = "an event of nothing, a template of nothing",
            event = { event = "user.locked_out", data = { url = "ftp://d" } },
            options = { title = "{{data.title}}", text = "{{data.text}}" },
            expect = {
                body = {
                    type = "message",
                    attachments = { {
                        contentType = "application/vnd.microsoft.card.adaptive",
                        contentUrl = require("grapnel.json").null,
                        content = {
                            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
                            type = "AdaptiveCard", version = "1.4",
                            body = { { type = "RichTextBlock", inlines = { {
                                type = "TextRun", weight = "Bolder", size = "Large",
                                text = "user.locked_out",
                            } } } },
                        },
                    } },
                },
            },
        },
        {
            name = "of too much the last fields are left out",
            event = { data = (function()
                local data = {}
                for i = 1, 20 do data["k" .. 10 + i] = ("\u{1f389}"):rep(1000) end
                return data
            end)() },
            expect = {
                body = (function()
                    local lines = { { type = "RichTextBlock", inlines = { {
                        type = "TextRun", weight = "Bolder", size = "Large", text = "test" } } } }
                    for i = 1, 12 do
                        lines[i + 1] = { type = "RichTextBlock", inlines = {
                            { type = "TextRun", text = "K" .. 10 + i .. ": ", weight = "Bolder" },
                            { type = "TextRun", text = ("\u{1f389}"):rep(497) .. "..." } } }
                    end
                    return { type = "message", attachments = { {
                        contentType = "application/vnd.microsoft.card.adaptive",
                        contentUrl = require("grapnel.json").null,
                        content = {
                            ["$schema"] = "http://adaptivecards.io/schemas/adaptive-card.json",
                            type = "AdaptiveCard", version = "1.4", body = lines,
                        },
                    } } }
                end)(),
            },
        },
        {
            name = "an older connector's failure in a 200",
            response = { status = 200, body = "Webhook message delivery failed with error: "
                .. "Microsoft Teams endpoint returned HTTP error 429 with ContextId tcid=0" },
            expect = { verdict = { "retry" } },
        },
        {
            name = "one that no retry helps",
            response = { status = 200, body = "Webhook message delivery failed with error: "
                .. "Microsoft Teams endpoint returned HTTP error 413 with ContextId tcid=0" },
            expect = { verdict = { "fail", "Webhook message delivery failed with error: Microsoft "
                .. "Teams endpoint returned HTTP error 413 with ContextId tcid=0" } },
        },
        {
            name = "accepted",
            response = { status = 202 },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { button = "", link = "", title = "{{a..b}}" },
            expect = { invalid = { button = "at least 1", link = "empty", title = "empty name" } },
        },
    },
}
