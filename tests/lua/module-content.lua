-- SPDX-License-Identifier: MIT
-- module-content: tests of lua/content.lua: what is left of a body without its envelope.
local content = require "grapnel.content"
local json = require "grapnel.json"

return {
    api = 1,
    options = { before = { type = "string", choices = { "text", "more", "gone" } },
                call = { type = "string", default = "of", choices = { "of", "table" } } },

    transform = function(request, event, ctx)
        local body = request.body
        if ctx.options.before == "text" then
            request.body = "text"
        elseif ctx.options.before == "more" then
            body.more = 1
        elseif ctx.options.before == "gone" then
            body.data = nil
        end
        local found = content[ctx.options.call](request, event)
        request.body = found == nil and "nothing" or json.encode(found)
    end,

    tests = {
        { name = "data", event = [[{"event":"x","data":{"hook":1,"a":1.50}}]],
          expect = { body = '{"hook":1,"a":1.50}' } },
        { name = "data that is a list", event = [[{"event":"x","data":[1.0]}]],
          expect = { body = "[1.0]" } },
        { name = "data that is false", event = [[{"event":"x","data":false}]],
          expect = { body = "false" } },
        { name = "data that is null", event = [[{"event":"x","data":null}]],
          expect = { body = "null" } },
        { name = "data beside what a script has added", event = [[{"event":"x","data":{"a":1}}]],
          options = { before = "more" }, expect = { body = '{"data":{"a":1},"more":1}' } },
        { name = "data that a script took away", event = [[{"event":"x","data":{"a":1}}]],
          options = { before = "gone" }, expect = { body = "nothing" } },
        { name = "fields", event = [[{"event":"x","fields":{"data":{"a":1}}}]],
          expect = { body = '{"data":{"a":1}}' } },
        { name = "no fields", event = [[{"event":"x","fields":{}}]], expect = { body = "{}" } },
        { name = "an override is all, also with a hook",
          event = [[{"event":"x","override":{"hook":1,"data":2}}]],
          expect = { body = '{"hook":1,"data":2}' } },
        { name = "a text is a text", options = { before = "text" }, expect = { body = '"text"' } },
        { name = "an event without data", event = [[{"event":"x"}]], expect = { body = "{}" } },
        { name = "the table is the whole body", options = { call = "table" },
          event = [[{"event":"x","override":{"a":[]}}]], expect = { body = '{"a":[]}' } },
        { name = "a text is no table", options = { call = "table", before = "text" },
          expect = { error = "the body is a text already" } },
    },
}
