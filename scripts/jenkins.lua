-- SPDX-License-Identifier: MIT
-- jenkins: starts a job of Jenkins.
-- Target: https://HOST/job/NAME/buildWithParameters (in a folder /job/FOLDER/job/NAME/...)
-- Options: user and token (an API token, which needs no crumb), trigger (the job's own token),
--   data (send the event's data), parameters (templates), cause (a template).
-- Sends: as a form GRAPNEL_EVENT=request.added&GRAPNEL_ID=0194...&GRAPNEL_DATA=%7B...&TITLE=Log4j
-- Follows: https://www.jenkins.io/doc/book/using/remote-access-api/
-- Limits: a job gets only the parameters that it declares; GRAPNEL_DATA of more than 100000 bytes
--   is left out. In a shell step always quote them: "$GRAPNEL_DATA".
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local json = require "grapnel.json"
local message = require "grapnel.message"
local url = require "grapnel.url"

local MOST = 100000

return {
    api = 1,
    help = "starts a job of Jenkins",
    options = {
        user = { type = "string", help = "whose token it is", example = "bot" },
        token = { type = "secret", help = "an API token" },
        trigger = { type = "secret", help = "the token of 'Trigger builds remotely'" },
        data = { type = "boolean", default = true, help = "the event's data as GRAPNEL_DATA" },
        parameters = { type = "map", of = "text", help = "more parameters; {{path}}",
                       example = { TITLE = "{{data.title}}" }, check = check.template },
        cause = message.template("why it was started", "{{event}} {{id}}", "grapnel {{event}}"),
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local form = { GRAPNEL_EVENT = event.event, GRAPNEL_ID = event.id,
                       cause = message.fill(options.cause, event, nil, 200) }
        local data = options.data and json.encode(event.data)
        if data and #data <= MOST then form.GRAPNEL_DATA = data end
        for name, it in pairs(options.parameters or {}) do
            form[name] = message.fill(it, event, nil, 10000) or ""
        end
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = form
    end,

    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token)
        if ctx.options.trigger then
            request.url = request.url .. (request.url:find("?", 1, true) and "&" or "?")
                .. "token=" .. url.escape(ctx.options.trigger)
        end
    end,

    tests = {
        {
            name = "without options",
            event = [[{"event":"request.added","data":{"t":"a&b","n":1.50}}]],
            expect = {
                url = "https://example.com/",
                headers = { Authorization = false,
                            ["Content-Type"] = "application/x-www-form-urlencoded" },
                body = "GRAPNEL_DATA=%7B%22t%22%3A%22a%26b%22%2C%22n%22%3A1.50%7D"
                    .. "&GRAPNEL_EVENT=request.added"
                    .. "&GRAPNEL_ID=00000000-0000-7000-8000-000000000000"
                    .. "&cause=grapnel+request.added",
            },
        },
        {
            name = "every option",
            event = { id = "e1", data = { t = "é\n\"$(x)\"" } },
            options = { user = "bot", token = "11e", trigger = "s/1", data = false,
                        parameters = { TITLE = "{{data.t}}", NONE = "{{data.none}}" },
                        cause = "by {{id}}" },
            webhook = { target = "https://j.d/job/a/buildWithParameters?delay=0sec" },
            expect = {
                url = "https://j.d/job/a/buildWithParameters?delay=0sec&token=s%2F1",
                headers = { Authorization = "Basic Ym90OjExZQ==" },
                body = "GRAPNEL_EVENT=test&GRAPNEL_ID=e1&NONE=&TITLE=%C3%A9%0A%22%24%28x%29%22"
                    .. "&cause=by+e1",
            },
        },
        {
            name = "data that is too large is left out, what is too long is cut",
            event = { id = "e1", data = { t = ("x"):rep(200000) } },
            options = { parameters = { T = "{{data.t}}" }, cause = "{{data.none}}" },
            expect = { body = "GRAPNEL_EVENT=test&GRAPNEL_ID=e1&T=" .. ("x"):rep(9997) .. "..." },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { parameters = "x", cause = "{{.}}", token = 1 },
            expect = { invalid = { parameters = "map", cause = "empty name", token = "string" } },
        },
    },
}
