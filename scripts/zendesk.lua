-- SPDX-License-Identifier: MIT
-- zendesk: opens a ticket in Zendesk.
-- Target: https://SUBDOMAIN.zendesk.com/api/v2/tickets.json
-- Options: subject, text, requester and requester_name (templates), public (the requester sees it),
--   priority (else by the event), type, tags, group, fields (custom ones, templates), link, site,
--   token, user (an agent's e-mail: then token is an API token; without: an OAuth token).
-- Sends: {"ticket":{"subject":"request.added: Log4j","comment":{"body":"Priority: Urgent",
--   "public":false},"priority":"urgent","external_id":"0194..."}}
-- Follows: https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket
-- Limits: subject cut at 150 characters, text at 64000; the Idempotency-Key, which is the event's
--   id, keeps a retry from opening a second ticket for two hours.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"

local PRIORITY = { critical = "urgent", high = "high", medium = "normal", low = "low" }

local function comment(event, options)
    local said = message.filler(event, options)("text", 60000) or message.lines(event, nil, 60000)
        or event.event
    local link = message.link(event, options)
    return { body = link and said .. "\n\n" .. link or said, public = options.public }
end

local function custom_fields(event, options)
    local fields = {}
    for id, it in pairs(options.fields or {}) do
        local value = message.fill(it, event, nil, 60000)
        table.insert(fields, value and { id = tonumber(id) or id, value = value })
    end
    return fields[1] and fields
end

return {
    api = 1,
    help = "a ticket in Zendesk",
    options = {
        subject = message.template("the subject", "{{data.title}}"),
        text = message.template("the first comment", "{{data.notes}}"),
        public = { type = "boolean", default = false, help = "seen by the requester" },
        priority = { type = "string", choices = { "urgent", "high", "normal", "low" },
                     help = "of all; default: by the event's", example = "high" },
        type = { type = "string", choices = { "problem", "incident", "question", "task" },
                 help = "the ticket's type", example = "incident" },
        tags = { type = "list", of = "string", help = "tags", example = { "dejacode" },
                 check = function(it) return not it:find("%s"), "a tag has no spaces" end },
        requester = message.template("e-mail address; default: the agent", "{{data.email}}"),
        requester_name = message.template("for one who is new", "{{data.requester}}"),
        group = { type = "integer", min = 1, help = "its id", example = 360001 },
        fields = { type = "map", of = "text", help = "custom fields by their ids; {{path}}",
                   example = { ["27642"] = "{{data.uuid}}" }, check = check.template },
        link = message.LINK, site = message.SITE,
        token = { type = "secret", required = true, help = "an API token, or an OAuth token" },
        user = { type = "string", help = "an agent", example = "ann@example.com" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local fill = message.filler(event, options)
        local email = fill("requester", 320)
        local subject = fill("subject", 150) or message.title(event, 150)
        request.body = { ticket = {
            subject = subject:gsub("%s+", " "), comment = comment(event, options),
            priority = options.priority or PRIORITY[message.level(event)], type = options.type,
            tags = options.tags, group_id = options.group, external_id = event.id,
            requester = email and { email = email, name = fill("requester_name", 255) or email },
            custom_fields = custom_fields(event, options),
        } }
        request.headers["Accept"] = "application/json"
        request.headers["Idempotency-Key"] = event.id
    end,

    sign = function(request, _, ctx)
        local user = ctx.options.user
        credentials.set(request, user and user .. "/token", ctx.options.token)
    end,

    response = function(response) return answer.refused(response, 422) end,

    tests = {
        {
            name = "only what is required",
            event = [[{"event":"request.added","data":{"title":"Log4j","priority":"Urgent",
                "n":1.50,"assignee":null,"url":"https://d/1"}}]],
            options = { token = "t" },
            expect = {
                headers = { Authorization = "Bearer t", Accept = "application/json",
                            ["Idempotency-Key"] = "00000000-0000-7000-8000-000000000000" },
                body = { ticket = {
                    subject = "request.added: Log4j", priority = "urgent",
                    comment = { public = false,
                        body = "Priority: Urgent\nN: 1.50\nUrl: https://d/1\n\nhttps://d/1" },
                    external_id = "00000000-0000-7000-8000-000000000000",
                } },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out", id = "e1" },
            options = { token = "t", subject = "{{data.t}}", text = "{{data.t}}",
                        requester = "{{data.mail}}", fields = { ["1"] = "{{data.t}}" } },
            expect = { body = { ticket = {
                subject = "user.locked_out", external_id = "e1",
                comment = { body = "user.locked_out", public = false },
            } } },
        },
        {
            name = "every option",
            event = { id = "e1", data = { t = "é\nx", u = "https://d/1", m = "joe@d.org" } },
            options = { subject = "S {{data.t}}", text = "D {{data.t}}", public = true,
                        priority = "low", type = "task", tags = { "a", "b" }, group = 7,
                        requester = "{{data.m}}", requester_name = "Joe {{data.t}}",
                        fields = { ["27642"] = "{{data.m}}" }, link = "data.u", token = "k",
                        user = "ann@d.org" },
            expect = {
                headers = { Authorization = "Basic YW5uQGQub3JnL3Rva2VuOms=" },
                body = { ticket = {
                    subject = "S é x", priority = "low", type = "task", tags = { "a", "b" },
                    comment = { body = "D é\nx\n\nhttps://d/1", public = true }, group_id = 7,
                    requester = { email = "joe@d.org", name = "Joe é\nx" }, external_id = "e1",
                    custom_fields = { { id = 27642, value = "joe@d.org" } },
                } },
            },
        },
        {
            name = "what is too long is cut",
            event = { id = "e1", data = { title = ("é"):rep(70000) } },
            options = { token = "t", subject = "{{data.title}}", text = "{{data.title}}" },
            expect = { body = { ticket = {
                subject = ("é"):rep(147) .. "...", external_id = "e1",
                comment = { body = ("é"):rep(59997) .. "...", public = false },
            } } },
        },
        {
            name = "what Zendesk cannot process is not tried again",
            options = { token = "t" },
            response = { status = 422, body = [[{"error":"RecordInvalid",
                "description":"Record validation errors","details":{}}]] },
            expect = { verdict = { "fail", "422: Record validation errors" } },
        },
        {
            name = "created",
            options = { token = "t" },
            response = { status = 201, body = '{"ticket":{"id":1}}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { tags = { "a b" }, priority = "P1", group = "x" },
            expect = { invalid = { token = "required", tags = "no spaces",
                                   priority = "one of urgent", group = "integer" } },
        },
    },
}
