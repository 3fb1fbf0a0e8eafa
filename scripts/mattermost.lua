-- SPDX-License-Identifier: MIT
-- mattermost: a message to a Mattermost channel, by an incoming webhook.
-- Target: https://HOST/hooks/KEY
-- Options: text (a template over the event; without it the event's title, fields and link),
--   channel, username, icon_url, icon_emoji, priority, link and site (where it is).
-- Sends: {"channel":"security","text":"#### request.added: Log4j\nPriority: Urgent"}
-- Follows: https://developers.mattermost.com/integrate/webhooks/incoming/
-- Limits: a text is cut at 16383 characters, longer ones Mattermost would split; what comes from
--   the event mentions nobody; channel, username and icon count only where the server allows them.
local message = require "grapnel.message"

local MOST = 16383

local function escape(value)            -- Mattermost shows no HTML and knows no \< and \>
    return (message.markdown(value):gsub("\\([<>])", "%1"))
end

local function default_text(event)
    local heading = "#### " .. message.fit(message.title(event, 1000), escape, 3000)
    local lines = message.lines(event, escape, 6000)
    return lines and heading .. "\n" .. lines or heading
end

return {
    api = 1,
    help = "a message to a Mattermost channel",
    options = {
        text = message.template("the message, in Markdown", "**{{data.title}}**", nil, MOST),
        channel = { type = "string", help = "instead of the webhook's own; @name is a person",
                    example = "town-square" },
        username = { type = "string", help = "the sender's name", example = "grapnel" },
        icon_url = { type = "string", help = "the sender's picture",
                     example = "https://example.com/hook.png" },
        icon_emoji = { type = "string", help = "instead of icon_url", example = ":hook:" },
        priority = { type = "string", choices = { "important", "urgent" },
                     help = "the message's mark", example = "important" },
        link = message.LINK, site = message.SITE,
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local address = (options.link or not options.text) and message.link(event, options)
        local tail = address and "\n<" .. address .. ">" or ""
        local said = default_text(event)
        if options.text then
            said = message.fill(options.text, event, escape, MOST - #tail) or ""
        end
        if said .. tail == "" then return false, "the message would be empty" end
        request.body = {
            text = said .. tail, channel = options.channel, username = options.username,
            icon_url = options.icon_url, icon_emoji = options.icon_emoji,
            priority = options.priority and { priority = options.priority } or nil,
        }
    end,

    tests = {
        {
            name = "without options: title, fields and link",
            event = [[{"event":"user.added_or_updated","fields":{"username":"joe_b",
                "email":"joe@d.org","is_active":true,"last_login":null,"n":12345678901234567890}}]],
            expect = {
                body = { text = "#### user\\.added\\_or\\_updated: joe\\_b\n"
                    .. "Email: joe@d\\.org\nIs active: true\nN: 12345678901234567890" },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "test" },
            expect = { body = '{"text":"#### test"}' },
        },
        {
            name = "every option",
            event = { data = { title = "a*b", u = "https://d/x_1" } },
            options = { text = "**{{data.title}}**{{data.none}}", channel = "c", username = "hooks",
                        icon_url = "https://d/i.png", icon_emoji = ":hook:", priority = "urgent",
                        link = "data.u" },
            expect = {
                body = { text = "**a\\*b**\n<https://d/x_1>", channel = "c", username = "hooks",
                         icon_url = "https://d/i.png", icon_emoji = ":hook:",
                         priority = { priority = "urgent" } },
            },
        },
        {
            name = "nobody is mentioned, nothing is a command, an image or a link",
            event = { data = { t = "@all\n/leave ![x](https://evil/x.png) <b> é" } },
            options = { text = "{{data.t}}" },
            expect = {
                body = { text = "@\u{200b}all\n\\/leave \\!\\[x\\]\\(https://evil/x\\.png\\) "
                    .. "<b> é" },
            },
        },
        {
            name = "what is too long is cut before it is escaped",
            event = { data = { t = ("é*"):rep(20000) } },
            options = { text = "{{data.t}}!" },
            expect = { body = { text = ("é\\*"):rep(4094) .. "\\.\\.\\.!" } },
        },
        {
            name = "a message of nothing is not sent",
            options = { text = " {{data.title}} " },
            expect = { filtered = "the message would be empty" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { priority = "high", text = 1 },
            expect = { invalid = { priority = "important, urgent", text = "string expected" } },
        },
    },
}
