-- SPDX-License-Identifier: MIT
-- statsd-http: counts and measures events in StatsD, through statsd-http-proxy.
-- Target: the proxy's address, such as https://metrics.example.com/
-- Options: metric (a template), kind (count, gauge, timing, set), value (path of a number, of
--   milliseconds for timing, of anything for set; default 1), sample_rate, tags (templates), token.
-- Sends: POST /count/grapnel.request.added with the form sampleRate=1&value=1
-- Follows: https://github.com/GoMetric/statsd-http-proxy#rest-resources
-- Limits: numbers are rounded; an event without its value is filtered; a name keeps A-Z a-z 0-9 _
--   - and dots, anything else becomes _, and has at most 200 characters. An answer that is lost
--   counts twice.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local json = require "grapnel.json"
local message = require "grapnel.message"

local function rounded(value)                   -- nil for what is no number
    local number = tonumber(value)
    if not number or math.abs(number) >= 2 ^ 53 or number ~= number then return nil end
    return math.floor(number + 0.5)
end

local function value_of(event, options)
    if not options.value then return options.kind == "set" and event.id or 1 end
    local value = json.get(event, options.value)
    if options.kind ~= "set" then return rounded(value) end
    return message.fill("{{value}}", { value = value }, nil, 200)
end

local function tags_of(event, options)
    local tags = {}
    for name, it in pairs(options.tags or {}) do
        local value = message.fill(it, event, nil, 200)
        if value then table.insert(tags, (name .. "=" .. value:gsub("[,=|:%s]", "_"))) end
    end
    return tags[1] and table.concat(tags, ",")
end

return {
    api = 1,
    help = "counts events in StatsD",
    options = {
        metric = message.template("its name", "deja.{{event}}", "grapnel.{{event}}"),
        kind = { type = "string", default = "count", help = "what it is", example = "timing",
                 choices = { "count", "gauge", "timing", "set" } },
        value = { type = "path", help = "where the event holds it", example = "data.amount" },
        sample_rate = { type = "number", min = 0.0001, max = 1, help = "told to StatsD",
                        example = 0.5 },
        tags = { type = "map", of = "text", help = "where the proxy takes tags; {{path}}",
                 example = { priority = "{{data.priority}}" }, check = check.template },
        token = { type = "secret", help = "a JWT, where the proxy asks for one" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local value = value_of(event, options)
        if not value then return false, "no value at " .. options.value end
        local name = message.fill(options.metric, event, nil, 200) or event.event
        request.url = request.url:gsub("/+$", "") .. "/" .. options.kind .. "/"
            .. name:gsub("[^%w_.-]", "_")
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = { value = value, sampleRate = options.sample_rate or 1,
                         tags = tags_of(event, options) }
        if options.kind == "timing" then                    -- versions of the proxy differ
            request.body = { time = value, dur = value, value = value, tags = request.body.tags,
                             sampleRate = options.sample_rate or 1 }
        end
    end,

    sign = function(request, _, ctx) request.headers["X-JWT-Token"] = ctx.options.token end,

    response = function(response) return answer.refused(response, 400) end,

    tests = {
        {
            name = "without options one is counted",
            event = { event = "request.added" },
            expect = {
                url = "https://example.com/count/grapnel.request.added",
                headers = { ["X-JWT-Token"] = false,
                            ["Content-Type"] = "application/x-www-form-urlencoded" },
                body = "sampleRate=1&value=1",
            },
        },
        {
            name = "every option",
            event = { data = { n = "é x", ms = 12.5, p = "a,b=c é", none = nil } },
            options = { metric = "d.{{data.n}}/../x", kind = "timing", value = "data.ms",
                        sample_rate = 0.5, token = "e.y.J",
                        tags = { p = "{{data.p}}", q = "1", none = "{{data.none}}" } },
            webhook = { target = "http://s.d/proxy/" },
            expect = {
                url = "http://s.d/proxy/timing/d.___x_.._x",
                headers = { ["X-JWT-Token"] = "e.y.J" },
                body = "dur=13&sampleRate=0.5&tags=p%3Da_b_c_%C3%A9%2Cq%3D1&time=13&value=13",
            },
        },
        {
            name = "a gauge; a number in a string is one",
            event = { data = { n = "-3.2" } },
            options = { kind = "gauge", value = "data.n", metric = "{{data.none}}" },
            expect = { url = "https://example.com/gauge/test", body = "sampleRate=1&value=-3" },
        },
        {
            name = "a set of names",
            event = { data = { user = "joe & é" } },
            options = { kind = "set", value = "data.user", metric = "users" },
            expect = { url = "https://example.com/set/users",
                       body = "sampleRate=1&value=joe+%26+%C3%A9" },
        },
        {
            name = "a set of events",
            event = { id = "e1" },
            options = { kind = "set" },
            expect = { body = "sampleRate=1&value=e1" },
        },
        {
            name = "without its value an event is not sent",
            event = { data = { amount = "many" } },
            options = { kind = "gauge", value = "data.amount" },
            expect = { filtered = "no value at data.amount" },
        },
        {
            name = "null is no value",
            event = [[{"event":"a","data":{"amount":null}}]],
            options = { value = "data.amount" },
            expect = { filtered = "no value at data.amount" },
        },
        {
            name = "a name that is too long is cut",
            event = { data = { t = ("x"):rep(500) } },
            options = { metric = "{{data.t}}" },
            expect = { url = "https://example.com/count/" .. ("x"):rep(197) .. "..." },
        },
        {
            name = "what the proxy refuses is not tried again",
            response = { status = 400, body = "Invalid value specified" },
            expect = { verdict = { "fail", "400: Invalid value specified" } },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { kind = "counter", sample_rate = 2, value = "" },
            expect = { invalid = { kind = "one of count", sample_rate = "at most 1",
                                   value = "empty" } },
        },
    },
}
