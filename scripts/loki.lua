-- SPDX-License-Identifier: MIT
-- loki: writes events to Grafana Loki as log lines.
-- Target: https://HOST/loki/api/v1/push
-- Options: labels (templates), line (a template; without it the event as JSON), metadata
--   (templates; structured metadata needs Loki 3), tenant (X-Scope-OrgID), token, user (then the
--   token is its password; Grafana Cloud: the instance's number).
-- Sends: {"streams":[{"stream":{"event":"request.added","service_name":"grapnel"},"values":[[
--   "1769767872000000000","{\"data\":{...},\"event\":\"request.added\",...}"]]}]}
-- Follows: https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs
-- Limits: a line is cut at 250 KB (Loki takes 256), labels are at most 15 of 2048 characters, and
--   few values each: never an id. Lines of more than a week ago are refused. One that is sent twice
--   with the same time and labels is stored once.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local json = require "grapnel.json"
local message = require "grapnel.message"

local MOST_BYTES = 250 * 1024

local function filled(templates, event)         -- with names that Loki takes, without empty values
    local result = {}
    for name, it in pairs(templates or {}) do
        name = name:gsub("[^%w_]", "_"):gsub("^%d", "_%0")
        result[name] = message.fill(it, event, nil, 2048)
    end
    return result
end

local function line_of(event, template)
    if template then return message.fill(template, event, nil, MOST_BYTES) end
    return json.encode({ event = event.event, id = event.id, tenant = event.tenant,
                         data = event.data })
end

return {
    api = 1,
    help = "log lines in Grafana Loki",
    options = {
        labels = { type = "map", of = "text", min = 1, max = 15, check = check.template,
                   default = { service_name = "grapnel", event = "{{event}}" },
                   help = "labels of the stream; {{path}}",
                   example = { app = "dejacode", priority = "{{data.priority}}" } },
        line = message.template("the line", "{{data.title}} by {{data.requester}}"),
        metadata = { type = "map", of = "text", max = 20, check = check.template,
                     help = "structured metadata; {{path}}", example = { id = "{{id}}" } },
        tenant = { type = "string", help = "X-Scope-OrgID", example = "tenant1" },
        token = { type = "secret", help = "a token, or the user's password" },
        user = { type = "string", help = "for Basic authentication", example = "123456" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local line = line_of(event, options.line)
        if not line then return false, "the line would be empty" end
        local seconds, nanoseconds = message.moment(event)
        local value = { ("%d%09d"):format(seconds, nanoseconds),
                        message.cut_bytes(line, MOST_BYTES) }
        local metadata = filled(options.metadata, event)
        if next(metadata) then value[3] = metadata end
        local labels = filled(options.labels, event)
        if not next(labels) then labels.service_name = "grapnel" end
        request.body = { streams = { { stream = labels, values = { value } } } }
        request.headers["X-Scope-OrgID"] = options.tenant
    end,

    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token)
    end,

    response = function(response) return answer.refused(response, 400, 413, 422) end,

    tests = {
        {
            name = "without options: the event as JSON, as it was written",
            event = [[{"event":"request.added","time":"2026-01-30T10:11:12.000000001Z",
                "data":{"t":"\u00e9\n","n":1.50,"none":null}}]],
            expect = {
                headers = { Authorization = false, ["X-Scope-OrgID"] = false },
                body = {
                    streams = { {
                        stream = { service_name = "grapnel", event = "request.added" },
                        values = { { "1769767872000000001",
                            [[{"data":{"t":"\u00e9\n","n":1.50,"none":null},]]
                            .. [["event":"request.added",]]
                            .. [["id":"00000000-0000-7000-8000-000000000000",]]
                            .. [["tenant":"default"}]] } },
                    } },
                },
            },
        },
        {
            name = "every option",
            event = { id = "e1", data = { t = "é", p = "Urgent" } },
            options = { labels = { ["app-1"] = "x", ["2p"] = "{{data.p}}", none = "{{data.none}}" },
                        line = "T {{data.t}}\n{{data.none}}", metadata = { id = "{{id}}" },
                        tenant = "t1", token = "pw", user = "42" },
            expect = {
                headers = { Authorization = "Basic NDI6cHc=", ["X-Scope-OrgID"] = "t1" },
                body = {
                    streams = { {
                        stream = { app_1 = "x", _2p = "Urgent" },
                        values = { { "1767225600000000000", "T é\n", { id = "e1" } } },
                    } },
                },
            },
        },
        {
            name = "labels that all are empty, a token alone",
            options = { labels = { a = "{{data.none}}" }, line = "x", token = "t" },
            expect = {
                headers = { Authorization = "Bearer t" },
                body = [=[{"streams":[{"stream":{"service_name":"grapnel"},]=]
                    .. [=["values":[["1767225600000000000","x"]]}]}]=],
            },
        },
        {
            name = "what is too long is cut",
            event = { data = { t = ("é"):rep(200000) } },
            options = { labels = { a = "{{data.t}}" }, line = "x{{data.t}}" },
            expect = {
                body = { streams = { {
                    stream = { a = ("é"):rep(2045) .. "..." },
                    values = { { "1767225600000000000", "x" .. ("é"):rep(127998) .. "..." } },
                } } },
            },
        },
        {
            name = "a line of nothing is not sent",
            options = { line = "{{data.t}}" },
            expect = { filtered = "the line would be empty" },
        },
        {
            name = "what Loki refuses is not tried again",
            response = { status = 400, body = "entry for stream '{}' has timestamp too old\n" },
            expect = { verdict = { "fail", "400: entry for stream '{}' has timestamp too old " } },
        },
        {
            name = "a limit is, and 204 is a success",
            response = { status = 429, body = "ingestion rate limit exceeded" },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { labels = {}, metadata = { a = "{{b..c}}" }, line = 1 },
            expect = { invalid = { labels = "at least 1", metadata = "empty name",
                                   line = "string" } },
        },
    },
}
