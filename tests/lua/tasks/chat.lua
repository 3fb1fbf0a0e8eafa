-- SPDX-License-Identifier: MIT
-- chat: task 2, make an event a line for a chat; solved with lua/README.md alone.
local json = require "grapnel.json"
local text = require "grapnel.text"

return {
    api = 1,
    help = "a line in a chat for each request",
    options = {
        channel = { type = "string", required = true, example = "#security" },
        line = { type = "text", default = "*{{data.title}}* by {{data.user.name}}" },
    },

    transform = function(request, event, ctx)
        local body = {
            channel = ctx.options.channel,
            text = text.template(ctx.options.line, event, text.escape_slack),
        }
        local tags = json.get(event, "data.tags")
        if tags then body.footer = table.concat(tags, ", ") end
        request.body = body
    end,

    tests = {
        {
            name = "a request with tags",
            event = {
                event = "request.added",
                data = { title = "a < b", user = { name = "joe" }, tags = { "x", "y" } },
            },
            options = { channel = "#x" },
            expect = { body = { channel = "#x", text = "*a &lt; b* by joe", footer = "x, y" } },
        },
        {
            name = "nobody, and no tags",
            event = [[{"event":"request.added","data":{"title":"t","user":null,"tags":null}}]],
            options = { channel = "#x", line = "{{data.title}} by {{data.user.name}}." },
            expect = { body = { channel = "#x", text = "t by ." } },
        },
        {
            name = "no channel",
            expect = { invalid = { channel = "is required" } },
        },
    },
}
