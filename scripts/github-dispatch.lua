-- SPDX-License-Identifier: MIT
-- github-dispatch: starts GitHub Actions, by a repository's or a workflow's dispatch event.
-- Target: https://api.github.com/repos/OWNER/REPO/dispatches (`on: repository_dispatch`), or with
--   the option ref .../repos/OWNER/REPO/actions/workflows/FILE.yml/dispatches
-- Options: token (it may write contents, or actions), event_type (a template; the event's name),
--   data (send the event's data), values (more of the payload, templates), ref (a workflow's
--   branch or tag; then only values are sent, as its inputs).
-- Sends: {"event_type":"request.added","client_payload":{"event":"request.added","id":"0194...",
--   "tenant":"default","time":"2026-01-30T10:11:12Z","data":{...}}}
-- Follows: https://docs.github.com/rest/repos/repos#create-a-repository-dispatch-event
-- Limits: event_type 100 characters; a payload has 10 members and 64 KB: data that is too large
--   is left out. In a workflow never paste a payload into a shell: hand it over by `env`.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local json = require "grapnel.json"
local message = require "grapnel.message"

local MOST = 60000

local function values_of(event, options)
    local values = {}
    for name, it in pairs(options.values or {}) do
        values[name] = message.fill(it, event, nil, 4000) or ""
    end
    return values
end

local function payload(event, options)
    local result = values_of(event, options)
    result.event, result.id, result.tenant, result.time =
        event.event, event.id, event.tenant, event.time
    if options.data then
        result.data = event.data
        if #json.encode(result) > MOST then result.data = nil end
    end
    return result
end

return {
    api = 1,
    help = "starts GitHub Actions",
    options = {
        token = { type = "secret", required = true, help = "a token that may start them" },
        event_type = message.template("what workflows select by `types`", "deja-{{event}}",
                                      "{{event}}"),
        data = { type = "boolean", default = true, help = "send the event's data along" },
        values = { type = "map", of = "text", max = 5, help = "more of the payload; {{path}}",
                   example = { title = "{{data.title}}" }, check = check.template },
        ref = { type = "string", help = "for a workflow's own dispatch", example = "main" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        request.body = options.ref
            and { ref = options.ref, inputs = json.object(values_of(event, options)) }
            or { event_type = message.fill(options.event_type, event, nil, 100) or event.event,
                 client_payload = payload(event, options) }
        request.headers["Accept"] = "application/vnd.github+json"
        request.headers["X-GitHub-Api-Version"] = "2022-11-28"
    end,

    sign = function(request, _, ctx) credentials.set(request, nil, ctx.options.token) end,

    response = function(response, _, ctx)
        if response.status == 403 or response.status == 429 then
            return answer.limited(response, ctx, "x-ratelimit-remaining", "x-ratelimit-reset")
        end
        return answer.refused(response, 422)
    end,

    tests = {
        {
            name = "only what is required; data stays as it was written",
            event = [[{"event":"request.added","data":{"title":"x","n":1.50,"none":null}}]],
            options = { token = "t" },
            expect = {
                headers = { Authorization = "Bearer t", Accept = "application/vnd.github+json",
                            ["X-GitHub-Api-Version"] = "2022-11-28" },
                body = [[{"client_payload":{"data":{"title":"x","n":1.50,"none":null},]]
                    .. [["event":"request.added","id":"00000000-0000-7000-8000-000000000000",]]
                    .. [["tenant":"default","time":"2026-01-01T00:00:00Z"},]]
                    .. [["event_type":"request.added"}]],
            },
        },
        {
            name = "every option of a repository's event",
            event = { event = "a", id = "e1", data = { t = "é\"${{x}}", none = nil } },
            options = { token = "t", event_type = "deja-{{data.t}}", data = false,
                        values = { title = "{{data.t}}", none = "{{data.none}}" } },
            expect = {
                body = {
                    event_type = "deja-é\"${{x}}",
                    client_payload = { event = "a", id = "e1", tenant = "default", none = "",
                                       time = "2026-01-01T00:00:00Z", title = "é\"${{x}}" },
                },
            },
        },
        {
            name = "a workflow's own dispatch",
            event = { data = { t = "T" } },
            options = { token = "t", ref = "main", values = { title = "{{data.t}}" } },
            expect = { body = '{"inputs":{"title":"T"},"ref":"main"}' },
        },
        {
            name = "one without inputs",
            options = { token = "t", ref = "v1" },
            expect = { body = '{"inputs":{},"ref":"v1"}' },
        },
        {
            name = "what is too large or too long is left out or cut",
            event = { id = "e1", data = { t = ("é"):rep(40000) } },
            options = { token = "t", event_type = "{{data.t}}", values = { t = "{{data.t}}" } },
            expect = {
                body = {
                    event_type = ("é"):rep(97) .. "...",
                    client_payload = { event = "test", id = "e1", tenant = "default",
                                       time = "2026-01-01T00:00:00Z",
                                       t = ("é"):rep(3997) .. "..." },
                },
            },
        },
        {
            name = "a limit is waited for",
            options = { token = "t" },
            response = { status = 429, headers = { ["X-RateLimit-Remaining"] = "0",
                                                   ["X-RateLimit-Reset"] = "1767225630" } },
            expect = { verdict = { "retry", 30 } },
        },
        {
            name = "what GitHub cannot process is not tried again",
            options = { token = "t" },
            response = { status = 422, body = '{"message":"No ref found for: main"}' },
            expect = { verdict = { "fail", "422: No ref found for: main" } },
        },
        {
            name = "accepted",
            options = { token = "t" },
            response = { status = 204 },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { values = { a = "1", b = "2", c = "3", d = "4", e = "5", f = "6" },
                        event_type = "{{a..b}}" },
            expect = { invalid = { token = "required", values = "at most 5",
                                   event_type = "empty name" } },
        },
    },
}
