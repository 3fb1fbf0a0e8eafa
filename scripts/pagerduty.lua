-- SPDX-License-Identifier: MIT
-- pagerduty: triggers, acknowledges and resolves PagerDuty alerts by the Events API v2.
-- Target: https://events.pagerduty.com/v2/enqueue, or https://events.eu.pagerduty.com/v2/enqueue
-- Options: routing_key, summary (a template), severity (for all; else by the event's severity or
--   priority), source, component, group, class (templates), dedup_key (a template; the event's id),
--   acknowledge and resolve (events that do), details (send the event's data), link, site.
-- Sends: {"routing_key":"...","event_action":"trigger","dedup_key":"0194...","payload":{"summary":
--   "request.added: Log4j","severity":"critical","source":"grapnel","custom_details":{...}}}
-- Follows: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
-- Limits: summary 1024 characters, dedup_key 255, the whole 512 KB (details beyond 400 KB are left
--   out). The API takes its key only inside of the body, so `keep_requests` would keep it too.
local answer = require "grapnel.answer"
local json = require "grapnel.json"
local message = require "grapnel.message"

local MOST_DETAILS = 400 * 1024
local SEVERITY = { critical = "critical", high = "error", medium = "warning", low = "info" }

local function action_of(event, options)
    if message.is_one_of(event, options.resolve) then return "resolve" end
    return message.is_one_of(event, options.acknowledge) and "acknowledge" or "trigger"
end

local function payload(event, options)
    local fill = message.filler(event, options)
    local details = options.details and event.data or nil
    if details and #json.encode(details) > MOST_DETAILS then details = nil end
    return {
        summary = fill("summary", 1024) or message.title(event, 1024),
        severity = options.severity or SEVERITY[message.level(event)] or "warning",
        source = fill("source", 1024) or "grapnel", component = fill("component", 1024),
        group = fill("group", 1024), class = fill("class", 1024), timestamp = event.time,
        custom_details = details,
    }
end

return {
    api = 1,
    help = "PagerDuty alerts, by the Events API v2",
    options = {
        routing_key = {
            type = "secret", required = true, help = "the service's integration key",
            check = function(key) return #key == 32, "32 characters expected" end,
        },
        summary = message.template("what has happened", "{{data.title}}"),
        severity = { type = "string", choices = { "critical", "error", "warning", "info" },
                     help = "of every alert; default: by the event's", example = "critical" },
        source = message.template("what is affected", "{{data.product_context}}", "grapnel"),
        component = message.template("the part of it", "{{data.component}}"),
        group = message.template("what it belongs to", "{{tenant}}"),
        class = message.template("the kind of the event", "{{event}}", "{{event}}"),
        dedup_key = message.template("what makes two alerts one", "{{data.uuid}}", "{{id}}"),
        acknowledge = { type = "list", of = "string", help = "events that acknowledge the alert",
                        example = { "request.updated" } },
        resolve = { type = "list", of = "string", help = "events that resolve the alert",
                    example = { "request.closed", "incident.solved.*" } },
        details = { type = "boolean", default = true, help = "send the event's data along" },
        link = message.LINK, site = message.SITE,
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local action, link = action_of(event, options), message.link(event, options)
        request.body = {
            routing_key = options.routing_key, event_action = action,
            dedup_key = message.fill(options.dedup_key, event, nil, 255) or event.id,
            payload = action == "trigger" and payload(event, options) or nil,
            links = link and action == "trigger" and { { href = link, text = "Open" } } or nil,
        }
    end,

    response = function(response) return answer.refused(response, 400) end,

    tests = {
        {
            name = "only what is required",
            event = [[{"event":"request.added","time":"2026-01-30T10:11:12Z","data":{
                "title":"Log4j","priority":"Urgent","n":1.50,"assignee":null,"cc_emails":[],
                "absolute_url":"https://d/requests/1/"}}]],
            options = { routing_key = "0123456789abcdef0123456789abcdef" },
            expect = {
                body = [[{"dedup_key":"00000000-0000-7000-8000-000000000000",]]
                    .. [["event_action":"trigger",]]
                    .. [["links":[{"href":"https://d/requests/1/","text":"Open"}],]]
                    .. [["payload":{"class":"request.added","custom_details":{
                "title":"Log4j","priority":"Urgent","n":1.50,"assignee":null,"cc_emails":[],
                "absolute_url":"https://d/requests/1/"},]]
                    .. [["severity":"critical","source":"grapnel",]]
                    .. [["summary":"request.added: Log4j","timestamp":"2026-01-30T10:11:12Z"},]]
                    .. [["routing_key":"0123456789abcdef0123456789abcdef"}]],
            },
        },
        {
            name = "every option",
            event = { event = "a.b", data = { t = "é", u = "https://d/1", id = "x" } },
            options = {
                routing_key = "0123456789abcdef0123456789abcdef", summary = "S {{data.t}}",
                severity = "info", source = "s {{data.t}}", component = "c", group = "{{tenant}}",
                class = "k", dedup_key = "a/{{data.id}}", details = false, link = "data.u",
                resolve = { "a.c" }, acknowledge = { "b" },
            },
            expect = {
                body = {
                    routing_key = "0123456789abcdef0123456789abcdef", event_action = "trigger",
                    dedup_key = "a/x", links = { { href = "https://d/1", text = "Open" } },
                    payload = { summary = "S é", severity = "info", source = "s é", component = "c",
                                group = "default", class = "k",
                                timestamp = "2026-01-01T00:00:00Z" },
                },
            },
        },
        {
            name = "an event that resolves",
            event = { event = "request.closed",
                      data = { uuid = "u1", absolute_url = "https://d" } },
            options = { routing_key = "0123456789abcdef0123456789abcdef",
                        dedup_key = "{{data.uuid}}", resolve = { "request.*" } },
            expect = {
                body = { routing_key = "0123456789abcdef0123456789abcdef", dedup_key = "u1",
                         event_action = "resolve" },
            },
        },
        {
            name = "one that acknowledges; templates of nothing fall back",
            event = { event = "ack", id = "e1" },
            options = { routing_key = "0123456789abcdef0123456789abcdef",
                        dedup_key = "{{data.uuid}}", acknowledge = { "x", "ack" } },
            expect = {
                body = { routing_key = "0123456789abcdef0123456789abcdef", dedup_key = "e1",
                         event_action = "acknowledge" },
            },
        },
        {
            name = "what is too long is cut, details beyond 400 KB are left out",
            event = { data = { title = ("é"):rep(300000) } },
            options = { routing_key = "0123456789abcdef0123456789abcdef", summary = "{{data.none}}",
                        source = "{{data.none}}", dedup_key = "{{data.title}}" },
            expect = {
                body = {
                    routing_key = "0123456789abcdef0123456789abcdef", event_action = "trigger",
                    dedup_key = ("é"):rep(252) .. "...",
                    payload = { summary = "test: " .. ("é"):rep(1015) .. "...", class = "test",
                                severity = "warning", source = "grapnel",
                                timestamp = "2026-01-01T00:00:00Z" },
                },
            },
        },
        {
            name = "an invalid event is not tried again, as PagerDuty asks",
            options = { routing_key = "0123456789abcdef0123456789abcdef" },
            response = { status = 400, body = [[{"status":"invalid event",
                "message":"Event object is invalid","errors":["Invalid routing key"]}]] },
            expect = { verdict = { "fail", "400: Event object is invalid "
                .. [=[["Invalid routing key"]]=] } },
        },
        {
            name = "accepted",
            options = { routing_key = "0123456789abcdef0123456789abcdef" },
            response = { status = 202, body = '{"status":"success"}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { routing_key = "short", severity = "high", resolve = "x" },
            expect = { invalid = { routing_key = "32 characters", severity = "one of critical",
                                   resolve = "list expected" } },
        },
    },
}
