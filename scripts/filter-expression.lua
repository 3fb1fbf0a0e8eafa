-- SPDX-License-Identifier: MIT
-- filter-expression: delivers only the events for which an expression is true.
-- Options: expression, over the event: event, id, tenant, key, time, form, data; what can be
--   written is said in lua/expression.lua.
-- Passes: data.priority in ["Urgent", "High"] and not (data.amount < 100)
-- Limits: no arithmetic, no patterns, no "*" in paths; what is missing or of another type makes a
--   comparison false; 50 levels of parentheses. It sees the event as it was published.
local expression = require "grapnel.expression"
local text = require "grapnel.text"

return {
    api = 1,
    help = "only events for which an expression is true",
    options = {
        expression = { type = "text", required = true, max = 16384, check = expression.compile,
                       help = "a condition over the event",
                       example = 'data.priority in ["Urgent", "High"]' },
    },

    filter = function(event, ctx)
        local source = ctx.options.expression
        local condition = assert(expression.compile(source))
        return condition(event), "not " .. text.truncate(source, 200, "...")
    end,

    tests = {
        {
            name = "true",
            event = [[{"event":"request.added","data":{"priority":"High","amount":100}}]],
            options = {
                expression = [[data.priority in ["Urgent", 'High'] and not (data.amount < 100)]],
            },
            expect = { filtered = false },
        },
        {
            name = "what passes is sent as it came",
            event = [[{"event":"r","data":{"amount":1.50, "big":12345678901234567890}}]],
            options = { expression = "data.amount == 1.5" },
            expect = {
                body = '{"hook":{"uuid":"00000000-0000-4000-8000-000000000000",'
                    .. '"event":"r","target":"https://example.com/"},'
                    .. '"data":{"amount":1.50, "big":12345678901234567890}}',
            },
        },
        {
            name = "null, missing and other types are never smaller or larger",
            event = [[{"event":"request.added","data":{"amount":"100","assignee":null}}]],
            options = { expression = "data.amount > 5 or data.assignee != null or data.x.y == 1" },
            expect = { filtered = "not data.amount > 5 or data.assignee != null or data.x.y == 1" },
        },
        {
            name = "the event's own members, and data of fields",
            event = [[{"event":"user.locked_out","tenant":"nexB","fields":{"username":"joe"}}]],
            options = {
                expression = [[event starts with "user." and tenant == "nexB" and key == null
                    and form == "fields" and data.username == "joe"]],
            },
            expect = { filtered = false },
        },
        {
            name = "data that is no object",
            event = [[{"event":"x","data":[1,2]}]],
            options = { expression = "data.1 == 1 and length(data) == 2 and data.a == null" },
            expect = { filtered = false },
        },
        {
            name = "no data at all",
            event = [[{"event":"x"}]],
            options = { expression = [[data.a == "x"]] },
            expect = { filtered = [[not data.a == "x"]] },
        },
        {
            name = "a long expression is a short reason",
            options = { expression = "false" .. (" or false"):rep(100) },
            expect = { filtered = "not false" .. (" or false"):rep(21) .. " or..." },
        },
        {
            name = "a mistake is found when the webhook is saved",
            options = { expression = "data.a == and" },
            expect = { invalid = { expression = "character 11: a value expected, not 'and'" } },
        },
        {
            name = "also a path that begins with nothing that an event has",
            options = { expression = "priority == 'High'" },
            expect = { invalid = { expression = "'priority' is nothing here; a path begins" } },
        },
        {
            name = "an expression is needed",
            expect = { invalid = { expression = "is required" } },
        },
    },
}
