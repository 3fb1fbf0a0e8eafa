-- SPDX-License-Identifier: MIT
-- cloudevents: sends the data as a CloudEvent 1.0, in a JSON envelope or with headers.
-- Options: mode (structured, binary), source, type, subject (templates over the event), dataschema,
--   extensions (templates; names of small letters and digits). An event's key is partitionkey.
-- Sends: {"specversion":"1.0","id":"...","source":"/default","type":"request.added","time":"...",
--   "datacontenttype":"application/json","data":{...}}; binary: ce-id, ce-type ... and the data
-- Limits: no batches; a text that a script before made of the body is sent as it is, with its type.
-- Follows: https://github.com/cloudevents/spec/tree/v1.0.2/cloudevents: spec.md, json-format.md,
--   http-protocol-binding.md, partitioning.md
local check = require "grapnel.check"
local content = require "grapnel.content"
local json = require "grapnel.json"
local text = require "grapnel.text"
local url = require "grapnel.url"

local OWN = { id = true, source = true, specversion = true, type = true, subject = true,
              time = true, data = true, datacontenttype = true, dataschema = true }

local function extension(value, name)
    if OWN[name] or not name:find("^[a-z0-9]+$") or #name > 20 then
        return nil, "the name of an extension is at most 20 small letters and digits, and new"
    end
    return check.template(value)
end

local function percent(value)           -- 3.1.3.2 of the HTTP binding
    return (value:gsub('[^!#$&-~]', function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function attributes(event, options)
    local function filled(name, template, escape)
        local value = template and text.template(template, event, escape)
        if value == "" and OWN[name] and name ~= "subject" then error(name .. " is empty", 0) end
        if value and value:find("%c") then value = value:gsub("%c+", " ") end
        return value ~= "" and value or nil
    end
    local found = {
        specversion = "1.0", id = event.id, time = event.time, partitionkey = event.key,
        source = filled("source", options.source, url.escape), dataschema = options.dataschema,
        type = filled("type", options.type), subject = filled("subject", options.subject),
    }
    for name, more in pairs(options.extensions or {}) do found[name] = filled(name, more) end
    return found
end

local function write_binary(request, found, data)
    for name, value in pairs(found) do request.headers["ce-" .. name] = percent(value) end
    if type(request.body) == "string" then return end
    request.body = data == nil and "" or json.encode(data)
end

local function write_structured(request, found, data)
    found.data, found.datacontenttype = data, request.headers["Content-Type"]
    request.body = found
    request.headers["Content-Type"] = "application/cloudevents+json; charset=utf-8"
end

return {
    api = 1,
    help = "a CloudEvent 1.0, structured or binary",
    options = {
        mode = { type = "string", default = "structured", choices = { "structured", "binary" } },
        source = { type = "string", default = "/{{tenant}}", check = check.template, min = 1,
                   help = "where it happened, an address", example = "https://example.com/app" },
        type = { type = "string", default = "{{event}}", check = check.template, min = 1,
                 help = "what happened", example = "com.example.{{event}}" },
        subject = { type = "string", check = check.template, help = "to what it happened",
                    example = "{{data.id}}" },
        dataschema = { type = "string", check = url.parse, help = "an address",
                       example = "https://example.com/schema.json" },
        extensions = { type = "map", of = "string", check = extension, help = "more attributes",
                       example = { priority = "{{data.priority}}" } },
    },

    transform = function(request, event, ctx)
        local found, data = attributes(event, ctx.options), content.of(request, event)
        if ctx.options.mode == "binary" then return write_binary(request, found, data) end
        return write_structured(request, found, data)
    end,

    tests = {
        {
            name = "structured, the data as it came",
            event = [[{"event":"request.added","data":{"b":1.50,"a":[],"none":null}}]],
            expect = {
                body = '{"data":{"b":1.50,"a":[],"none":null},"datacontenttype":"application/json",'
                    .. '"id":"00000000-0000-7000-8000-000000000000","source":"/default",'
                    .. '"specversion":"1.0","time":"2026-01-01T00:00:00Z","type":"request.added"}',
                headers = { ["Content-Type"] = "application/cloudevents+json; charset=utf-8",
                            ["ce-id"] = false },
            },
        },
        {
            name = "binary, the data alone",
            event = [[{"event":"request.added","key":"k 1","data":{"b":1.50}}]],
            options = { mode = "binary", subject = "{{data.b}}" },
            expect = {
                body = '{"b":1.50}',
                headers = {
                    ["ce-specversion"] = "1.0", ["ce-source"] = "/default",
                    ["ce-id"] = "00000000-0000-7000-8000-000000000000",
                    ["ce-type"] = "request.added", ["ce-time"] = "2026-01-01T00:00:00Z",
                    ["ce-subject"] = "1.50", ["ce-partitionkey"] = "k%201",
                    ["ce-datacontenttype"] = false, ["Content-Type"] = "application/json",
                },
            },
        },
        {
            name = "every option, structured; nothing of the data ends an attribute",
            event = [[{"event":"x","tenant":"a b/c?","key":"k",
                "data":{"s":"a\r\nb: \"c\"","p":"High"}}]],
            options = {
                source = "https://example.com/{{tenant}}", type = "com.example.{{event}}",
                subject = "{{data.s}}", dataschema = "https://example.com/s.json",
                extensions = { priority = "{{data.p}}", missing = "{{data.missing}}" },
            },
            expect = {
                body = {
                    specversion = "1.0", id = "00000000-0000-7000-8000-000000000000",
                    source = "https://example.com/a%20b%2Fc%3F", type = "com.example.x",
                    subject = 'a b: "c"', dataschema = "https://example.com/s.json",
                    time = "2026-01-01T00:00:00Z", partitionkey = "k", priority = "High",
                    datacontenttype = "application/json",
                    data = { s = 'a\r\nb: "c"', p = "High" },
                },
            },
        },
        {
            name = "the specification's example of what headers hold",
            event = [[{"event":"x","data":{"s":"Euro € 😀","q":"100% \"x\"~!"}}]],
            options = {
                mode = "binary", subject = "{{data.s}}", extensions = { q = "{{data.q}}" },
            },
            expect = {
                headers = {
                    ["ce-subject"] = "Euro%20%E2%82%AC%20%F0%9F%98%80",
                    ["ce-q"] = "100%25%20%22x%22~!", ["ce-partitionkey"] = false,
                },
            },
        },
        {
            name = "fields have no hook",
            event = [[{"event":"x","fields":{"data":{"a":1},"b":2}}]],
            options = { mode = "binary" },
            expect = { body = '{"data":{"a":1},"b":2}' },
        },
        {
            name = "data that is no object",
            event = [[{"event":"x","data":"text"}]], options = { mode = "binary" },
            expect = { body = '"text"' },
        },
        {
            name = "a text of a script before, structured, with its type",
            request = { body = "<a/>", headers = { ["content-type"] = "application/xml" } },
            expect = {
                body = {
                    specversion = "1.0", id = "00000000-0000-7000-8000-000000000000",
                    source = "/default", type = "test", time = "2026-01-01T00:00:00Z",
                    datacontenttype = "application/xml", data = "<a/>",
                },
            },
        },
        {
            name = "a text of a script before, binary",
            request = { body = "<a/>", headers = { ["content-type"] = "application/xml" } },
            options = { mode = "binary" },
            expect = { body = "<a/>", headers = { ["Content-Type"] = "application/xml" } },
        },
        {
            name = "an attribute that must be there and is empty is an error",
            options = { type = "{{data.kind}}" },
            expect = { error = "type is empty" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { mode = "batch", source = "", type = "{{a..b}}", dataschema = "schema",
                        extensions = { ["my-ext"] = "x" } },
            expect = {
                invalid = { mode = "one of structured", source = "its length", type = "empty name",
                            dataschema = "a scheme", extensions = "my-ext: the name of an ext" },
            },
        },
        {
            name = "an extension has no name of the specification, and a good template",
            options = { extensions = { time = "x" } },
            expect = { invalid = { extensions = "time: the name of an extension" } },
        },
    },
}
