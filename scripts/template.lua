-- SPDX-License-Identifier: MIT
-- template: a request of your own making: its body, headers, method and address from templates.
-- Options: body (a template over the event: {{event}}, {{data.title}}), content_type, escape (auto:
--   as the content type needs it), headers (templates), method, url (a template; its values are
--   escaped for an address).
-- Sends: {"text":"Log4j \"urgent\" by joe"} for {"text":"{{data.title}} by {{data.requester}}"}
-- Limits: no conditions and no loops; what is missing or null is nothing; a body that is to be JSON
--   and is none is an error. A line feed in a header becomes a blank. extra_payload is not merged.
local check = require "grapnel.check"
local json = require "grapnel.json"
local text = require "grapnel.text"
local url = require "grapnel.url"

local function bare(value) return json.encode(value):sub(2, -2) end         -- without its quotes
local function one_line(value) return (value:gsub("%c+", " ")) end

local ESCAPES = {
    none = function(value) return value end,
    json = function(value) return bare(value) end,
    html = text.escape_html, slack = text.escape_slack, markdown = text.escape_markdown,
    url = url.escape,
}
local BY_TYPE = {                       -- the first that is part of the content type
    { "json", "json" }, { "x-www-form-urlencoded", "url" }, { "html", "html" }, { "xml", "html" },
    { "markdown", "markdown" },
}

local function escape_for(content_type)
    for _, it in ipairs(BY_TYPE) do
        if content_type:lower():find(it[1], 1, true) then return it[2] end
    end
    return "none"
end

return {
    api = 1,
    help = "a body, headers and an address from templates",
    options = {
        body = { type = "text", required = true, check = check.template,
                 help = "the body; {{path}} is replaced from the event",
                 example = '{"text":"{{data.title}} by {{data.requester}}"}' },
        content_type = { type = "string", default = "application/json", check = check.header_value,
                         help = "what the body is", example = "text/plain; charset=utf-8" },
        escape = { type = "string", default = "auto", help = "of what is put in",
                   choices = { "auto", "none", "json", "html", "slack", "markdown", "url" } },
        headers = {
            type = "map", of = "string", help = "more headers", example = { Title = "{{event}}" },
            check = function(value, name)
                local ok, problem = check.header_name(name)
                if ok then ok, problem = check.template(value) end
                return ok, problem
            end,
        },
        method = { type = "string", default = "POST", choices = { "POST", "PUT", "PATCH" } },
        url = { type = "string", check = check.template, help = "instead of the target",
                example = "https://example.com/requests/{{data.id}}" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local fitting = escape_for(options.content_type)
        local escape = options.escape == "auto" and fitting or options.escape
        local body = text.template(options.body, event, ESCAPES[escape])
        if fitting == "json" then
            local value, problem = json.decode(body)
            if value == nil then error("the body is no JSON: " .. problem, 0) end
        end
        request.body, request.method = body, options.method
        request.headers["Content-Type"] = options.content_type
        for name, value in pairs(options.headers or {}) do
            request.headers[name] = text.template(value, event, one_line)
        end
        if options.url then request.url = text.template(options.url, event, url.escape) end
    end,

    tests = {
        {
            name = "JSON, in which values cannot end their text",
            event = [[{"event":"x","data":{"title":"a\"},{\"b\\\n\u0001 €","n":1.50,"none":null,
                "list":[1, 2],"yes":true}}]],
            options = {
                body = '{"t":"{{data.title}}", "n":{{data.n}}, '
                    .. '"x":"{{data.none}}{{ data.missing }}", "e":"{{event}}"}',
            },
            expect = {
                body = [[{"t":"a\"},{\"b\\\n\u0001 €", "n":1.50, "x":"", "e":"x"}]],
                headers = { ["Content-Type"] = "application/json" }, method = "POST",
            },
        },
        {
            name = "a body that is no JSON is an error",
            event = [[{"event":"x","data":{}}]], options = { body = '{"n":{{data.n}}}' },
            expect = { error = "the body is no JSON" },
        },
        {
            name = "plain text, with headers, method and address, in which nothing gets loose",
            event = [[{"event":"x","data":{"id":"7/../8?a=b#c","title":"a\r\nX-Evil: 1",
                "b":"<b>"}}]],
            options = {
                body = "{{data.title}} {{data.b}} {{", content_type = "text/plain", method = "PUT",
                headers = { Title = "New: {{data.title}}", Tags = "a,b" },
                url = "https://example.com/r/{{data.id}}?x={{data.missing}}",
            },
            expect = {
                body = "a\r\nX-Evil: 1 <b> {{", method = "PUT",
                url = "https://example.com/r/7%2F..%2F8%3Fa%3Db%23c?x=",
                headers = { ["Content-Type"] = "text/plain", Title = "New: a X-Evil: 1",
                            Tags = "a,b", ["X-Evil"] = false },
            },
        },
        {
            name = "markup is escaped as the content type wants it",
            event = [[{"event":"x","data":{"a":"<b> & \"c\" 'd'"}}]],
            options = { body = "<p>{{data.a}}</p>", content_type = "application/xml" },
            expect = { body = "<p>&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;</p>" },
        },
        {
            name = "a form",
            event = [[{"event":"x","data":{"a":"1&b=2 ü"}}]],
            options = {
                body = "a={{data.a}}", content_type = "application/x-www-form-urlencoded",
            },
            expect = { body = "a=1%26b%3D2%20%C3%BC" },
        },
        {
            name = "another escape than the type's, and no second round",
            event = [[{"event":"x","data":{"a":"{{event}} <*>"}}]],
            options = { body = "{{data.a}}", content_type = "text/plain", escape = "slack" },
            expect = { body = "{{event}} &lt;*&gt;" },
        },
        {
            name = "without escapes a part of the event is put in as it is",
            event = [[{"event":"x","data":{"list":[1,{"a":2.0}]}}]],
            options = { body = '{"list":{{data.list}}}', escape = "none" },
            expect = { body = '{"list":[1,{"a":2.0}]}' },
        },
        {
            name = "an address that is none",
            event = [[{"event":"x","data":{"host":"https://evil.example"}}]],
            options = { body = "{}", url = "{{data.host}}/x" },
            expect = { error = "request.url:" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = {
                body = "{{a..b}}", content_type = "text/plain\r\n", escape = "xml", method = "GET",
                headers = { ["A B"] = "x" }, url = "{{}}",
            },
            expect = {
                invalid = { body = "empty name", content_type = "one line", escape = "one of auto",
                            method = "one of POST", headers = "A B: the name of a header",
                            url = "template: {{}}" },
            },
        },
        {
            name = "also in the template of a header",
            options = { body = "", headers = { A = "{{a.}}" } },
            expect = { invalid = { headers = "A: template: {{a.}}" } },
        },
    },
}
