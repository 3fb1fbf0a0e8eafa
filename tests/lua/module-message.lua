-- SPDX-License-Identifier: MIT
-- module-message: tests of lua/message.lua: what it finds in events, how it fills templates.
local json = require "grapnel.json"
local message = require "grapnel.message"

local CALLS = {
    title = function(event, o) return message.title(event, o.most) end,
    facts = function(event) return json.array(message.facts(event)) end,
    lines = function(event, o) return message.lines(event, nil, o.most or 1000, o.start) end,
    link = function(event, o) return message.link(event, { link = o.path, site = o.site }) end,
    level = function(event, o) return message.level(event, o.path) end,
    moment = function(event, o) return { message.moment(event, o.path) } end,
    is_one_of = function(event, o) return message.is_one_of(event, o.names) end,
    fill = function(event, o) return message.fill(o.template, event, message.markdown, o.most) end,
    cut = function(event, o) return message.cut_bytes(event.data, o.most) end,
    markdown = function(event) return message.markdown(event.data) end,
}

return {
    api = 1,
    options = {
        call = { type = "string", required = true },
        most = { type = "integer" },
        path = { type = "path" },
        site = message.SITE,
        names = { type = "list", of = "string" },
        start = { type = "string" },
        template = message.template("filled in"),
    },

    transform = function(request, event, ctx)
        local result = CALLS[ctx.options.call](event, ctx.options)
        if result == nil then result = json.null end
        request.body = { result = result }
    end,

    tests = {
        {
            name = "the first that says something is the title, in one line",
            event = [[{"event":"e","data":{"title":" ","subject":null,"summary":{"a":1},
                "name":" a \n\tb ","text":"c"}}]],
            options = { call = "title" },
            expect = { body = '{"result":"e: a b"}' },
        },
        {
            name = "a title inside, a number as it was written",
            event = [[{"event":"e","data":{"request":{"title":12345678901234567890}}}]],
            options = { call = "title" },
            expect = { body = '{"result":"e: 12345678901234567890"}' },
        },
        {
            name = "a title is cut by characters",
            event = [[{"event":"e","data":"ééééééé"}]],
            options = { call = "title", most = 8 },
            expect = { body = '{"result":"e: éé..."}' },
        },
        {
            name = "data that is nothing",
            event = [[{"event":"e","data":null}]],
            options = { call = "title" },
            expect = { body = '{"result":"e"}' },
        },
        {
            name = "facts: in order, two levels deep, without title, nulls and empty ones",
            event = [=[{"event":"e","data":{"title":"T","same":"T","cc_emails":["a",1.50,true],
                "user":{"full_name":"Ann","pets":[],"x":{"y":1}},"none":null,"":"x","list":[[1]],
                "yes":false}}]=],
            options = { call = "facts" },
            expect = {
                body = { result = {
                    { name = "Cc emails", value = "a, 1.50, true" },
                    { name = "User full name", value = "Ann" },
                    { name = "List 1", value = "1" },
                    { name = "Yes", value = "false" },
                } },
            },
        },
        {
            name = "no facts of what is no table",
            event = [[{"event":"e","data":7}]],
            options = { call = "facts" },
            expect = { body = '{"result":[]}' },
        },
        {
            name = "lines: only whole ones",
            event = [[{"event":"e","data":{"a":"1","b":"2","c":"3"}}]],
            options = { call = "lines", most = 13, start = "- " },
            expect = { body = [[{"result":"- A: 1\n- B: 2"}]] },
        },
        {
            name = "no lines are nil",
            options = { call = "lines" },
            expect = { body = [[{"result":null}]] },
        },
        {
            name = "a link is http or https, without what could end it",
            event = [[{"event":"e","data":{"absolute_url":"/requests/1/","html_url":"javascript:x",
                "web_url":"https://d/\">","url":"https://d/a b","link":"https://d/?a=1&b=[2]#c"}}]],
            options = { call = "link" },
            expect = { body = [[{"result":"https://d/?a=1&b=[2]#c"}]] },
        },
        {
            name = "a link where a path says",
            event = [[{"event":"e","data":{"url":"https://d/1","see":["http://d/2"]}}]],
            options = { call = "link", path = "data.see.1" },
            expect = { body = [[{"result":"http://d/2"}]] },
        },
        {
            name = "a path gets the site before it",
            event = [[{"event":"e","data":{"absolute_url":"/requests/1/"}}]],
            options = { call = "link", site = "https://d.e/" },
            expect = { body = [[{"result":"https://d.e/requests/1/"}]] },
        },
        {
            name = "what names another host does not",
            event = [[{"event":"e","data":{"url":"//evil/x"}}]],
            options = { call = "link", site = "https://d.e" },
            expect = { body = [[{"result":null}]] },
        },
        {
            name = "a site is an address",
            options = { call = "link", site = "dejacode.example.com" },
            expect = { invalid = { site = "http(s)://HOST" } },
        },
        {
            name = "UUIDs and paths are no facts",
            event = [[{"event":"e","data":{"uuid":"fbc77986-06ff-4dbb-81c3-95cd36dbed66",
                "api_url":"/api/v2/requests/1/","a":"1/2"}}]],
            options = { call = "lines" },
            expect = { body = [[{"result":"A: 1/2"}]] },
        },
        {
            name = "a level in any case",
            event = [[{"event":"e","data":{"severity":"unheard of","priority":"URGENT"}}]],
            options = { call = "level" },
            expect = { body = '{"result":"critical"}' },
        },
        {
            name = "no level",
            event = [[{"event":"e","data":{"priority":["high"]}}]],
            options = { call = "level" },
            expect = { body = '{"result":null}' },
        },
        {
            name = "a moment of the event, and of its data",
            event = [[{"event":"e","data":{"at":"2026-01-30T11:11:12.5+01:00"}}]],
            options = { call = "moment", path = "data.at" },
            expect = { body = '{"result":[1769767872,500000000]}' },
        },
        {
            name = "a moment that is none is the event's",
            event = [[{"event":"e","data":{"at":"soon"}}]],
            options = { call = "moment", path = "data.at" },
            expect = { body = '{"result":[1767225600,0]}' },
        },
        {
            name = "names of events, and what they begin with",
            event = { event = "user.locked_out" },
            options = { call = "is_one_of", names = { "user", "user.locked", "user.*" } },
            expect = { body = '{"result":true}' },
        },
        {
            name = "a name is no pattern",
            event = { event = "user.locked_out" },
            options = { call = "is_one_of", names = { "user", "user.locked.out", "u%.*" } },
            expect = { body = '{"result":false}' },
        },
        {
            name = "values are cut before they are escaped",
            event = [[{"event":"e","data":{"a":"****************************","b":"b"}}]],
            options = { call = "fill", template = "{{data.a}} {{data.b}}", most = 40 },
            expect = { body = [[{"result":"\\*\\*\\*\\*\\*\\*\\*\\.\\.\\. b"}]] },
        },
        {
            name = "a template that is too long itself is cut",
            options = { call = "fill", template = "0123456789", most = 8 },
            expect = { body = [[{"result":"01234..."}]] },
        },
        {
            name = "a template of nothing",
            options = { call = "fill", template = " {{data.a}}\n" },
            expect = { body = '{"result":null}' },
        },
        {
            name = "bytes are cut between characters",
            event = [[{"event":"e","data":"aéé€€"}]],
            options = { call = "cut", most = 9 },
            expect = { body = '{"result":"aéé..."}' },
        },
        {
            name = "bytes that fit stay",
            event = [[{"event":"e","data":"aéé€€"}]],
            options = { call = "cut", most = 11 },
            expect = { body = '{"result":"aéé€€"}' },
        },
        {
            name = "Markdown: people are not mentioned, their e-mail addresses stay",
            event = [[{"event":"e","data":"@a (@b) c@d.e _@f"}]],
            options = { call = "markdown" },
            expect = { body = { result = "@\u{200b}a \\(@\u{200b}b\\) c@d\\.e \\_@\u{200b}f" } },
        },
        {
            name = "Markdown: no line begins with a command",
            event = [[{"event":"e","data":"/a /b\n /c\n\n/d"}]],
            options = { call = "markdown" },
            expect = { body = { result = "\\/a /b\n \\/c\n\n\\/d" } },
        },
        {
            name = "Markdown: an address with markup in it is escaped",
            event = [[{"event":"e","data":"https://d/a_b?c=*&d=(1)"}]],
            options = { call = "markdown" },
            expect = { body = { result = "https://d/a\\_b?c=\\*&d=\\(1\\)" } },
        },
        {
            name = "Markdown: an address without what means something stays as it is",
            event = [[{"event":"e","data":"https://d.e/a_b-c?d=1&e=2#f"}]],
            options = { call = "markdown" },
            expect = { body = { result = "https://d.e/a_b-c?d=1&e=2#f" } },
        },
    },
}
