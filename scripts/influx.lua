-- SPDX-License-Identifier: MIT
-- influx: writes events to InfluxDB (or VictoriaMetrics, QuestDB, Telegraf) as line protocol.
-- Target: https://HOST/api/v2/write?org=ORG&bucket=BUCKET, or https://HOST/write?db=DB (version 1)
-- Options: measurement (a template), tags (templates), fields (paths), time (path of an RFC 3339
--   time), token, user (version 1: then the token is its password).
-- Sends: events,event=request.added,tenant=default count=1,id="0194..." 1769767872000000000
-- Follows: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
-- Limits: all numbers are floats; text of more than 60000 bytes is cut, line feeds become blanks,
--   empty values are left out. Two points of one series at one time would be one: where a time has
--   no more than milliseconds, the rest of it is made from the event's id, so retries stay one.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local crypto = require "grapnel.crypto"
local json = require "grapnel.json"
local message = require "grapnel.message"

local MOST_BYTES = 60000
local function escape(name)                     -- of a measurement, a tag or a field's name
    return (name:gsub("[%c\\]", " "):gsub("[,= ]", "\\%0"))
end

local function spelled(value)                   -- of a field; nil for what cannot be one
    local kind = type(value)
    if kind == "boolean" then return tostring(value) end
    if kind == "number" then return math.abs(value) < math.huge and json.encode(value) or nil end
    if kind ~= "string" then return nil end
    return '"' .. message.cut_bytes(value, MOST_BYTES):gsub("%c", " "):gsub('[\\"]', "\\%0") .. '"'
end

local function line_of(event, options)
    local series = { escape(message.fill(options.measurement, event, nil, 200) or "events") }
    for name, it in pairs(options.tags) do
        local value = message.fill(it, event, nil, 1000)
        if value then table.insert(series, escape(name) .. "=" .. escape(value)) end
    end
    local fields = { "count=1", "id=" .. spelled(event.id) }
    for name, path in pairs(options.fields or {}) do
        local value = spelled(json.get(event, path))
        if value then table.insert(fields, escape(name) .. "=" .. value) end
    end
    local seconds, nanoseconds = message.moment(event, options.time)
    if nanoseconds % 1000000 == 0 then
        local random = ("<I4"):unpack(crypto.digest("sha256", event.id))
        nanoseconds = nanoseconds + random % 1000000
    end
    return ("%s %s %d%09d"):format(table.concat(series, ","), table.concat(fields, ","),
                                   seconds, nanoseconds)
end

return {
    api = 1,
    help = "points in InfluxDB",
    options = {
        measurement = message.template("the measurement", "deja_{{event}}", "events"),
        tags = { type = "map", of = "text", help = "few values each; {{path}}",
                 default = { event = "{{event}}", tenant = "{{tenant}}" }, check = check.template,
                 example = { priority = "{{data.priority}}" } },
        fields = { type = "map", of = "path", help = "beside count=1 and id",
                   example = { amount = "data.amount" } },
        time = { type = "path", help = "default: the event's time", example = "data.created" },
        token = { type = "secret", help = "a token that may write" },
        user = { type = "string", help = "of version 1", example = "grapnel" },
    },

    transform = function(request, event, ctx)
        request.body = line_of(event, ctx.options)
        request.headers["Content-Type"] = "text/plain; charset=utf-8"
        if not request.url:find("[?&]precision=") then
            request.url = request.url .. (request.url:find("?", 1, true) and "&" or "?")
                .. "precision=ns"
        end
    end,

    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token, "Token")
    end,

    response = function(response) return answer.refused(response, 400, 413, 422) end,

    tests = {
        {
            name = "without options",
            event = [[{"event":"request.added","time":"2026-01-30T10:11:12.123456789Z",
                "data":{"n":1.50}}]],
            webhook = { target = "https://i.d/api/v2/write?org=o&bucket=b" },
            expect = {
                url = "https://i.d/api/v2/write?org=o&bucket=b&precision=ns",
                headers = { Authorization = false, ["Content-Type"] = "text/plain; charset=utf-8" },
                body = "events,event=request.added,tenant=default "
                    .. 'count=1,id="00000000-0000-7000-8000-000000000000" 1769767872123456789',
            },
        },
        {
            name = "a time of whole seconds gets the rest from the event's id, always the same",
            event = { id = "e1" },
            expect = {
                url = "https://example.com/?precision=ns",
                body = 'events,event=test,tenant=default count=1,id="e1" 1767225600000187915',
            },
        },
        {
            name = "every option; names and values are escaped",
            event = [[{"event":"a","id":"e1","data":{"m":"a b,c","p":"x=y, z\\\n","n":1.50,
                "yes":true,"s":"say \"é\"\nC:\\","none":null,"list":[],"big":1e999,
                "at":"2026-01-01T00:00:00.5000001Z"}}]],
            options = {
                measurement = "{{data.m}}",
                tags = { ["t,1"] = "{{data.p}}", none = "{{data.none}}" },
                fields = { ["f 1"] = "data.n", yes = "data.yes", s = "data.s", none = "data.none",
                           list = "data.list", big = "data.big" },
                time = "data.at", token = "t",
            },
            webhook = { target = "https://i.d/write?db=d&precision=n" },
            expect = {
                url = "https://i.d/write?db=d&precision=n",
                headers = { Authorization = "Token t" },
                body = [[a\ b\,c,t\,1=x\=y\,\ z\ \  count=1,id="e1",f\ 1=1.50,]]
                    .. [[s="say \"é\" C:\\",yes=true 1767225600500000100]],
            },
        },
        {
            name = "a measurement of nothing, no tags, a user of version 1",
            event = { id = "e1", time = "2026-01-01T00:00:00.0000001Z" },
            options = { measurement = "{{data.none}}", tags = {}, user = "u", token = "p" },
            expect = { headers = { Authorization = "Basic dTpw" },
                       body = 'events count=1,id="e1" 1767225600000000100' },
        },
        {
            name = "what is too long is cut, never half of a character",
            event = { id = "e1", time = "2026-01-01T00:00:00.0000001Z",
                      data = { t = ("é"):rep(40000) } },
            options = { tags = { t = "{{data.t}}" }, fields = { t = "data.t" } },
            expect = {
                body = "events,t=" .. ("é"):rep(997) .. '... count=1,id="e1",t="'
                    .. ("é"):rep(29998) .. '..." 1767225600000000100',
            },
        },
        {
            name = "what InfluxDB refuses is not tried again",
            response = { status = 400, body = [[{"code":"invalid",
                "message":"unable to parse points"}]] },
            expect = { verdict = { "fail", "400: unable to parse points" } },
        },
        {
            name = "written",
            response = { status = 204 },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { fields = { a = "b..c" }, tags = { a = "{{b..c}}" }, token = "" },
            expect = { invalid = { fields = "empty name", tags = "empty name",
                                   token = "must not be empty" } },
        },
    },
}
