-- SPDX-License-Identifier: MIT
-- opsgenie: creates, acknowledges and closes alerts in Opsgenie or Jira Service Management.
-- Target: https://api.opsgenie.com/v2/alerts (in the EU api.eu.opsgenie.com), or
--   https://api.atlassian.com/jsm/ops/integration/v2/alerts
-- Options: key, message, description, entity and source (templates), alias (a template; the event's
--   id), priority (else by the event), responders, tags, acknowledge and close (events that do).
-- Sends: {"message":"request.added: Log4j","alias":"0194...","priority":"P1","details":{...},
--   "description":"Priority: Urgent","source":"grapnel"}
-- Follows: https://docs.opsgenie.com/docs/alert-api
-- Limits: message 130 characters, description 15000, alias and entity 512, source 100, details
--   8000 in all, 50 responders, 20 tags of 50. A 202 means accepted, not yet created.
local answer = require "grapnel.answer"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"
local url = require "grapnel.url"

local PRIORITY = { critical = "P1", high = "P2", medium = "P3", low = "P5" }
local NAMES = { team = "name", user = "username", escalation = "name", schedule = "name" }
local DETAILS = 13                                  -- facts of at most 580 characters: below 8000

local function alert(event, options, alias)
    local fill, details, responders = message.filler(event, options), {}, {}
    for i, it in ipairs(message.facts(event)) do
        if i <= DETAILS then details[it.name] = it.value end
    end
    for i, it in ipairs(options.responders or {}) do
        local kind, name = it:match("^(%a+):(.+)$")
        responders[i] = { type = kind, [NAMES[kind]] = name }
    end
    return {
        message = fill("message", 130) or message.title(event, 130), alias = alias,
        description = fill("description", 15000) or message.lines(event, nil, 15000),
        priority = options.priority or PRIORITY[message.level(event)],
        details = next(details) and details, responders = responders[1] and responders,
        tags = options.tags, entity = fill("entity", 512), source = fill("source", 100),
    }
end

return {
    api = 1,
    help = "alerts in Opsgenie or Jira Service Management",
    options = {
        key = { type = "secret", required = true, help = "the API integration's key" },
        message = message.template("what has happened", "{{data.title}}"),
        description = message.template("more of it; default: all fields", "{{data.notes}}"),
        alias = message.template("what makes two alerts one", "{{data.uuid}}", "{{id}}"),
        priority = { type = "string", choices = { "P1", "P2", "P3", "P4", "P5" },
                     help = "of every alert; default: by the event's", example = "P2" },
        responders = {
            type = "list", of = "string", max = 50, help = "who is told",
            example = { "team:Security", "user:ann@example.com" },
            check = function(it)
                return NAMES[it:match("^(%a+):.")], "team:, user:, escalation: or schedule:NAME"
            end,
        },
        tags = { type = "list", of = "string", max = 20, help = "tags", example = { "deja" },
                 check = function(tag) return #tag <= 50, "at most 50 characters" end },
        entity = message.template("what is affected", "{{data.product_context}}"),
        source = message.template("where it comes from", "{{tenant}}", "grapnel"),
        acknowledge = { type = "list", of = "string", help = "events that acknowledge the alert",
                        example = { "request.updated" } },
        close = { type = "list", of = "string", help = "that close it", example = { "solved.*" } },
    },

    transform = function(request, event, ctx)
        local alias = message.fill(ctx.options.alias, event, nil, 512) or event.id
        local action = message.is_one_of(event, ctx.options.close) and "close"
            or message.is_one_of(event, ctx.options.acknowledge) and "acknowledge"
        request.body = action and { source = "grapnel", note = message.title(event, 1000) }
            or alert(event, ctx.options, alias)
        if action then
            request.url = request.url:gsub("/+$", "") .. "/" .. url.escape(alias) .. "/" .. action
                .. "?identifierType=alias"
        end
    end,
    sign = function(request, _, ctx)
        credentials.set(request, nil, ctx.options.key, "GenieKey")
    end,
    response = function(response) return answer.refused(response, 422) end,

    tests = {
        {
            name = "only what is required",
            event = [[{"event":"request.added","data":{"title":"Log4j","priority":"Urgent",
                "n":1.50,"assignee":null,"cc_emails":[]}}]],
            options = { key = "k-1" },
            expect = {
                url = "https://example.com/", headers = { Authorization = "GenieKey k-1" },
                body = [[{"alias":"00000000-0000-7000-8000-000000000000",]]
                    .. [["description":"Priority: Urgent\nN: 1.50",]]
                    .. [["details":{"N":"1.50","Priority":"Urgent"},]]
                    .. [["message":"request.added: Log4j","priority":"P1","source":"grapnel"}]],
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out" },
            options = { key = "k-1" },
            expect = { body = { alias = "00000000-0000-7000-8000-000000000000",
                                message = "user.locked_out", source = "grapnel" } },
        },
        {
            name = "every option",
            event = { event = "a", tenant = "nexB", data = { t = "é", id = 7, priority = "low" } },
            options = {
                key = "k-1", message = "M {{data.t}}", description = "D {{data.t}}\nx",
                alias = "a-{{data.id}}", priority = "P4", tags = { "x", "y" }, entity = "e",
                source = "{{tenant}}", acknowledge = { "b" }, close = { "c" },
                responders = { "team:Sec: 1", "user:a@b.c", "escalation:E", "schedule:S" },
            },
            expect = {
                body = {
                    message = "M é", description = "D é\nx", alias = "a-7", priority = "P4",
                    details = { T = "é", Priority = "low" }, tags = { "x", "y" }, entity = "e",
                    source = "nexB",
                    responders = {
                        { type = "team", name = "Sec: 1" }, { type = "user", username = "a@b.c" },
                        { type = "escalation", name = "E" }, { type = "schedule", name = "S" },
                    },
                },
            },
        },
        {
            name = "an event that closes",
            event = { event = "request.closed", data = { uuid = "a/b c", title = "T" } },
            options = { key = "k-1", alias = "{{data.uuid}}", close = { "request.*" } },
            webhook = { target = "https://api.opsgenie.com/v2/alerts" },
            expect = {
                url = "https://api.opsgenie.com/v2/alerts/a%2Fb%20c/close?identifierType=alias",
                body = { source = "grapnel", note = "request.closed: T" },
            },
        },
        {
            name = "one that acknowledges; an alias of nothing is the event's id",
            event = { event = "ack", id = "e1" },
            options = { key = "k-1", alias = "{{data.uuid}}", acknowledge = { "ack" } },
            webhook = { target = "https://api.opsgenie.com/v2/alerts" },
            expect = {
                url = "https://api.opsgenie.com/v2/alerts/e1/acknowledge?identifierType=alias",
                body = { source = "grapnel", note = "ack" },
            },
        },
        {
            name = "what is too long is cut",
            event = { data = { title = ("é"):rep(20000) } },
            options = { key = "k-1", description = "{{data.title}}", alias = "{{data.title}}",
                        entity = "{{data.title}}", source = "{{data.title}}" },
            expect = {
                body = { message = "test: " .. ("é"):rep(121) .. "...",
                         description = ("é"):rep(14997) .. "...", alias = ("é"):rep(509) .. "...",
                         entity = ("é"):rep(509) .. "...", source = ("é"):rep(97) .. "..." },
            },
        },
        {
            name = "what Opsgenie cannot process is not tried again",
            options = { key = "k-1" },
            response = { status = 422, body = [[{"message":"Request body is not processable.",
                "errors":{"message":"Message can not be empty."},"took":0.1}]] },
            expect = { verdict = { "fail", "422: Request body is not processable. "
                .. '{"message":"Message can not be empty."}' } },
        },
        {
            name = "a wrong key is, once it is corrected",
            options = { key = "k-1" },
            response = { status = 403, body = "{}" },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { priority = "high", responders = { "ann" }, tags = { ("x"):rep(51) } },
            expect = { invalid = { key = "required", priority = "P1, P2", responders = "team:",
                                   tags = "at most 50" } },
        },
    },
}
