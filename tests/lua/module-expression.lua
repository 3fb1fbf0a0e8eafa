-- SPDX-License-Identifier: MIT
-- module-expression: tests of lua/expression.lua: what is true, and what is said of mistakes.
local expression = require "grapnel.expression"

local EVENT = [[{"event":"request.added","tenant":"nexB","key":"k","data":{
    "priority":"High","amount":99.5,"zero":0,"text":"100","null":null,"yes":true,"no":false,
    "list":["a","b",null,3],"empty":[],"object":{},"title":"gr\u00fc\u00dfe","in":"word",
    "a.b":{"c-d":1},"items":[{"price":5},{"price":7}],"big":12345678901234567890,
    "\u00fc":2,"quote":"say \"hi\" 'you' \\ \n"}}]]

local function answers(...)
    local t = {}
    for i, source in ipairs({ ... }) do t[i] = source end
    return t
end

return {
    api = 1,
    options = { conditions = { type = "list", of = "text", required = true },
                roots = { type = "list", of = "string" } },

    transform = function(request, event, ctx)
        local found = {}
        for i, source in ipairs(ctx.options.conditions) do
            local condition, problem = expression.compile(source, ctx.options.roots)
            local value = problem
            if condition then value = condition(event) end
            if value ~= true then table.insert(found, i .. ": " .. tostring(value)) end
        end
        request.body = table.concat(found, "\n")    -- nothing: all were true
    end,

    tests = {
        {
            name = "equality, also of null and of what is missing",
            event = EVENT,
            options = { conditions = answers(
                [[data.priority == "High"]], [[data.priority=='High']], [[data.priority != "low"]],
                [[data.amount == 99.5]], [[data.amount == 995e-1]], [[data.zero == 0]],
                [[data.zero == -0]], [[data.text == "100"]], [[data.text != 100]],
                [[data.null == null]], [[data.missing == null]], [[data.missing.deeper == null]],
                [[data.priority.deeper == null]], [[data.zero != null]], [[data.no == false]],
                [[data.null != false]], [[data.yes == true]], [[true]], [[data.yes]],
                [[event == "request.added"]], [[tenant == 'nexB' and key == "k"]],
                [[form == "data"]], [[data.object != null]]
            ) },
            expect = { body = "" },
        },
        {
            name = "order, only among numbers and among texts",
            event = EVENT,
            options = { conditions = answers(
                [[data.amount < 100]], [[data.amount <= 99.5]], [[data.amount > -5]],
                [[data.amount >= 99.5]], [[data.text < "2"]], [[data.priority > "Higg"]],
                [[not (data.text > 5)]], [[not data.text <= 5]], [[not data.null < 5]],
                [[not data.missing > 5]], [[not data.yes > 0]], [[not data.list < 5]],
                [[data.big > 12345678901234560000]], [[1<2]], [["a"<"b"]], [[not 2<1]],
                [[time > "2025"]]
            ) },
            expect = { body = "" },
        },
        {
            name = "in, contains, starts with and ends with, each with not",
            event = EVENT,
            options = { conditions = answers(
                [[data.priority in ["Urgent", 'High']
                ]], [[data.priority in ["High",]
                ]], [["a" in data.list]], [[null in data.list]], [[3 in data.list]],
                [[not "c" in data.list]], [["c" not in data.list]], [[data.priority not in []
                ]], [[data.list contains "b"]], [[data.list not contains "z"]],
                [[data.title contains "rü"]], [[data.title contains ""]],
                [[data.title starts with "grü"]], [[data.title not starts with "ü"]],
                [[data.title ends with "ße"]], [[data.title ends with ""]],
                [[not data.title ends with "xgrüße"]], [[data.missing not contains "x"]],
                [[not data.zero starts with "0"]], [[not data.priority in data.missing]],
                [["igh" in data.priority]], [[not data.text contains 1]],
                [[data.null in [null] ]], [[data.a\.b.c-d in [1, true] ]],
                [[not data.title contains "."]], [[not data.title contains "%a"]]
            ) },
            expect = { body = "" },
        },
        {
            name = "and, or, not, parentheses",
            event = EVENT,
            options = { conditions = answers(
                [[true or false and false]], [[not false and true]], [[not (true and false)]],
                [[not not true]], [[(true)]], [[((data.yes or data.no)) and not data.no]],
                [[false or data.zero == 0]], [[not (false or data.zero)]], [[not data.priority]],
                "data.yes\n  and\tdata.yes", [[true and(data.yes)]], [[not(data.no)]]
            ) },
            expect = { body = "" },
        },
        {
            name = "paths and functions",
            event = EVENT,
            options = { conditions = answers(
                [[data.items.1.price == 5]], [[data.items.2.price == 7]], [[data.items.3 == null]],
                [[data.a\.b.c-d == 1]], [[data.in == "word"]], [[data.ü == 2]],
                [[lower(data.priority) == "high"]],
                [[lower(data.zero) == 0]], [[lower(data.null) == null]], [[length(data.list) == 4]],
                [[length(data.title) == 5]], [[length(data.empty) == 0]],
                [[length(data.null) == null]], [[lower(lower("A")) == "a"]],
                [[data.amount == data.amount]], [[data.quote == 'say "hi" \'you\' \\ \n']],
                [[data.title == "gr\u00fc\u00dfe"]], [["\u0041b\/\tc" == "Ab/	c"]],
                [["" == '']], [[length(['a', "b"]) == 2]]
            ) },
            expect = { body = "" },
        },
        {
            name = "a mistake is told with its place",
            options = { conditions = answers(
                "", "data.a ==", "data.a == and", "data.a = 1", "data.a & data.b", "data.a | 1",
                "(data.a", "data.a)", "data.a in [1 2]", "data.a in [1,,2]", "data.a in", "not",
                [["abc]], [[data.a == 'a\x']], [[data.a == "\ud83d"]], "1.2.3 == 1",
                "data.a == 0x10",
                "data..a", "data.a.", "data.*", "dat.a == 1", "Urgent", "data.a starts",
                "data.a not 5", "lower(data.a", "length()", "data.a data.b", "data.a == 1 == 2",
                "data.a + 1", "1 -1", "ü == 1", "data.a ~= 1", "data.a == 1e",
                [["a" == €]], "lower == 1"
            ) },
            expect = { body = "1: character 1: a value expected, not 'the end'\n"
                .. "2: character 10: a value expected, not 'the end'\n"
                .. "3: character 11: a value expected, not 'and'\n"
                .. "4: character 8: '=' means nothing; equality is ==\n"
                .. "5: character 8: '&' means nothing; use and\n"
                .. "6: character 8: '|' means nothing; use or\n"
                .. "7: character 8: ')' expected, not 'the end'\n"
                .. "8: character 7: a comparison, and, or, or the end expected, not ')'\n"
                .. "9: character 14: ',' or ']' expected, not '2'\n"
                .. "10: character 14: a value expected, not ','\n"
                .. "11: character 10: a value expected, not 'the end'\n"
                .. "12: character 4: a value expected, not 'the end'\n"
                .. "13: character 1: no closing \" for the text\n"
                .. "14: character 11: \\x is not known in the text\n"
                .. "15: character 11: \\u names half a character in the text\n"
                .. "16: character 1: '1.2.3' is no number\n"
                .. "17: character 11: '0x10' is no number\n"
                .. "18: character 1: a path must not have an empty name: 'data..a'\n"
                .. "19: character 1: a path must not have an empty name: 'data.a.'\n"
                .. "20: character 6: '*' means nothing; there are no patterns and no "
                .. "arithmetic\n"
                .. "21: character 1: 'dat.a' is nothing here; a path begins with data, "
                .. "event, id, tenant, key, time, form; texts stand in quotes\n"
                .. "22: character 1: 'Urgent' is nothing here; a path begins with data, "
                .. "event, id, tenant, key, time, form; texts stand in quotes\n"
                .. "23: character 14: 'with' expected, not 'the end'\n"
                .. "24: character 12: in, contains, starts with or ends with expected\n"
                .. "25: character 13: ')' expected, not 'the end'\n"
                .. "26: character 8: a value expected, not ')'\n"
                .. "27: character 8: a comparison, and, or, or the end expected, not "
                .. "'data.b'\n"
                .. "28: character 13: a comparison, and, or, or the end expected, not '=='\n"
                .. "29: character 8: '+' means nothing\n"
                .. "30: character 3: a comparison, and, or, or the end expected, not '-1'\n"
                .. "31: character 1: 'ü' is nothing here; a path begins with data, event, "
                .. "id, tenant, key, time, form; texts stand in quotes\n"
                .. "32: character 8: '~' means nothing\n"
                .. "33: character 11: '1e' is no number\n"
                .. "34: character 8: '€' is nothing here; a path begins with data, event, "
                .. "id, tenant, key, time, form; texts stand in quotes\n"
                .. "35: character 1: 'lower' is nothing here; a path begins with data, "
                .. "event, id, tenant, key, time, form; texts stand in quotes" },
        },
        {
            name = "depth is bounded, length is not by it",
            options = { conditions = {
                ("("):rep(50) .. "true" .. (")"):rep(50), ("("):rep(51) .. "true" .. (")"):rep(51),
                ("not "):rep(50) .. "true", ("not "):rep(51) .. "true",
                "event in " .. ("["):rep(51) .. ("]"):rep(51),
                "true" .. (" and true"):rep(1500), "true" .. (" and true"):rep(2000),
                ("lower("):rep(51) .. "1" .. (")"):rep(51),
            } },
            expect = { body = "2: character 52: more than 50 levels of parentheses, lists and not\n"
                .. "4: character 205: more than 50 levels of parentheses, lists and not\n"
                .. "5: character 61: more than 50 levels of parentheses, lists and not\n"
                .. "7: character 16384: longer than 16384 bytes\n"
                .. "8: character 307: more than 50 levels of parentheses, lists and not" },
        },
        {
            name = "what paths begin with can be another list",
            event = EVENT,
            options = { roots = { "data", "status" }, conditions = { "data.yes", "event == 1" } },
            expect = { body = "2: character 1: 'event' is nothing here; a path begins with data, "
                .. "status; texts stand in quotes" },
        },
    },
}
