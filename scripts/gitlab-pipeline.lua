-- SPDX-License-Identifier: MIT
-- gitlab-pipeline: starts a pipeline in GitLab, by a trigger token.
-- Target: https://gitlab.com/api/v4/projects/ID/trigger/pipeline (a number, or the path with %2F)
-- Options: token (Settings, CI/CD, pipeline trigger tokens), ref (a template: branch or tag),
--   data (send the event's data), variables and inputs (templates).
-- Sends: {"ref":"main","variables":{"GRAPNEL_EVENT":"request.added","GRAPNEL_ID":"0194...",
--   "GRAPNEL_DATA":"{\"title\":\"Log4j\"}"}}, and the token in the address
-- Follows: https://docs.gitlab.com/api/pipeline_triggers/#trigger-a-pipeline-with-a-token
-- Limits: GRAPNEL_DATA of more than 30000 bytes is left out; the project must let its trigger's
--   owner set variables. In a job always quote them: "$GRAPNEL_DATA". A variable's $ is doubled,
--   so that GitLab puts no other variable in its place.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local json = require "grapnel.json"
local message = require "grapnel.message"
local url = require "grapnel.url"

local MOST = 30000

local function literal(value)
    return (value:gsub("%$", "$$"))
end

local function variables_of(event, options)
    local result = { GRAPNEL_EVENT = event.event, GRAPNEL_ID = event.id }
    if options.data then
        local data = literal(json.encode(event.data))
        result.GRAPNEL_DATA = #data <= MOST and data or nil
    end
    for name, it in pairs(options.variables or {}) do
        result[name] = message.fill(it, event, literal, 10000) or ""
    end
    return result
end

return {
    api = 1,
    help = "starts a pipeline in GitLab",
    options = {
        token = { type = "secret", required = true, help = "a pipeline trigger token" },
        ref = message.template("a branch or tag", "main", "main"),
        data = { type = "boolean", default = true, help = "the event's data as GRAPNEL_DATA" },
        variables = { type = "map", of = "text", help = "more variables; {{path}}",
                      example = { TITLE = "{{data.title}}" }, check = check.template },
        inputs = { type = "map", of = "text", max = 20, help = "the pipeline's inputs; {{path}}",
                   example = { environment = "{{data.environment}}" }, check = check.template },
    },

    transform = function(request, event, ctx)
        local options, inputs = ctx.options, {}
        local ref = message.fill(options.ref, event, nil, 255)
        if not ref then return false, "no branch or tag" end
        for name, it in pairs(options.inputs or {}) do
            inputs[name] = message.fill(it, event, nil, 1000) or ""
        end
        request.body = { ref = ref, variables = variables_of(event, options),
                         inputs = next(inputs) and inputs or nil }
    end,

    sign = function(request, _, ctx)
        request.url = request.url .. (request.url:find("?", 1, true) and "&" or "?")
            .. "token=" .. url.escape(ctx.options.token)
    end,

    response = function(response) return answer.refused(response, 400) end,

    tests = {
        {
            name = "only what is required; data as it was written",
            event = [[{"event":"request.added","data":{"t":"$HOME `x`","n":1.50,"none":null}}]],
            options = { token = "glptt-1/+" },
            expect = {
                url = "https://example.com/?token=glptt-1%2F%2B",
                headers = { ["PRIVATE-TOKEN"] = false },
                body = {
                    ref = "main",
                    variables = {
                        GRAPNEL_EVENT = "request.added",
                        GRAPNEL_ID = "00000000-0000-7000-8000-000000000000",
                        GRAPNEL_DATA = '{"t":"$$HOME `x`","n":1.50,"none":null}',
                    },
                },
            },
        },
        {
            name = "every option",
            event = { event = "a", id = "e1", data = { t = "é$X", b = "dev" } },
            options = { token = "t", ref = "{{data.b}}", data = false,
                        variables = { TITLE = "T {{data.t}}", COST = "$PRICE {{data.none}}" },
                        inputs = { environment = "{{data.b}}", none = "{{data.none}}" } },
            webhook = { target = "https://gitlab.d/api/v4/projects/1/trigger/pipeline?x=1" },
            expect = {
                url = "https://gitlab.d/api/v4/projects/1/trigger/pipeline?x=1&token=t",
                body = {
                    ref = "dev", inputs = { environment = "dev", none = "" },
                    variables = { GRAPNEL_EVENT = "a", GRAPNEL_ID = "e1", TITLE = "T é$$X",
                                  COST = "$PRICE " },
                },
            },
        },
        {
            name = "an event of nothing",
            event = { id = "e1" },
            options = { token = "t" },
            expect = { body = [[{"ref":"main","variables":{"GRAPNEL_DATA":"{}",]]
                .. [["GRAPNEL_EVENT":"test","GRAPNEL_ID":"e1"}}]] },
        },
        {
            name = "data that is too large is left out, what is too long is cut",
            event = { id = "e1", data = { t = ("é"):rep(20000) } },
            options = { token = "t", variables = { T = "{{data.t}}" } },
            expect = { body = { ref = "main", variables = {
                GRAPNEL_EVENT = "test", GRAPNEL_ID = "e1", T = ("é"):rep(9997) .. "...",
            } } },
        },
        {
            name = "without a branch nothing is started",
            options = { token = "t", ref = "{{data.branch}}" },
            expect = { filtered = "no branch or tag" },
        },
        {
            name = "what GitLab refuses is not tried again",
            options = { token = "t" },
            response = { status = 400, body = '{"message":{"base":["Reference not found"]}}' },
            expect = { verdict = { "fail", '400: {"base":["Reference not found"]}' } },
        },
        {
            name = "a wrong token is, once it is corrected",
            options = { token = "t" },
            response = { status = 404, body = '{"message":"404 Not Found"}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { variables = { "x" }, inputs = { a = "{{b..c}}" } },
            expect = { invalid = { token = "required", variables = "map", inputs = "empty name" } },
        },
    },
}
