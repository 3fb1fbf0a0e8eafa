-- SPDX-License-Identifier: MIT
-- github-issue: opens an issue on GitHub.
-- Target: https://api.github.com/repos/OWNER/REPO/issues, or https://HOST/api/v3/repos/...
-- Options: title and text (templates; without them the event's title, fields and link), labels,
--   assignees, milestone, link, site, token (it may write issues).
-- Sends: {"title":"request.added: Log4j","body":"- Priority: Urgent\n...","labels":["dejacode"]}
-- Follows: https://docs.github.com/rest/issues/issues#create-an-issue
-- Limits: title 256 characters, body 65536; what comes from the event mentions nobody; labels that
--   do not exist are made. An answer that is lost makes a second issue: the body ends with a
--   comment that names the event. Many issues at once meet GitHub's secondary rate limit.
local answer = require "grapnel.answer"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"

local MOST = 65000                              -- leaves room for the link and the comment

return {
    api = 1,
    help = "an issue on GitHub",
    options = {
        title = message.template("the title", "{{data.title}}"),
        text = message.template("the text, in Markdown", "**{{data.priority}}**: {{data.notes}}"),
        labels = { type = "list", of = "string", max = 100, help = "names",
                   example = { "dejacode" } },
        assignees = { type = "list", of = "string", max = 10, help = "logins",
                      example = { "octocat" } },
        milestone = { type = "integer", min = 1, help = "its number", example = 3 },
        link = message.LINK, site = message.SITE,
        token = { type = "secret", required = true, help = "a token that may write issues" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local link = message.link(event, options)
        local title = message.filler(event, options)("title", 256) or message.title(event, 256)
        local said = message.filler(event, options, message.markdown)("text", MOST - 2100)
            or message.lines(event, message.markdown, MOST - 2100, "- ")
        request.body = {
            title = title:gsub("%s+", " "), labels = options.labels, assignees = options.assignees,
            milestone = options.milestone,
            body = (said and said .. "\n\n" or "") .. (link and "<" .. link .. ">\n\n" or "")
                .. "<!-- grapnel event " .. event.id .. " -->",
        }
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
            name = "only what is required: title, fields and link",
            event = [[{"event":"request.added","data":{"title":"Log4j *2*","priority":"Urgent",
                "n":1.50,"assignee":null,"html_url":"https://d/1"}}]],
            options = { token = "t" },
            expect = {
                headers = { Authorization = "Bearer t", Accept = "application/vnd.github+json",
                            ["X-GitHub-Api-Version"] = "2022-11-28" },
                body = {
                    title = "request.added: Log4j *2*",
                    body = "- Priority: Urgent\n- N: 1\\.50\n- Html url: https://d/1\n\n"
                        .. "<https://d/1>\n\n"
                        .. "<!-- grapnel event 00000000-0000-7000-8000-000000000000 -->",
                },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out", id = "e1" },
            options = { token = "t", title = "{{data.title}}", text = "{{data.text}}" },
            expect = { body = [[{"body":"<!-- grapnel event e1 -->","title":"user.locked_out"}]] },
        },
        {
            name = "every option; nobody is mentioned, no image, no HTML",
            event = { id = "e1", data = { t = "é\nx", u = "https://d/1", by = "@octocat",
                                          n = "![x](http://evil) <img src=x>" } },
            options = { title = "T {{data.t}}", text = "**by** {{data.by}}\n{{data.n}}",
                        labels = { "a b" }, assignees = { "ann" }, milestone = 3, link = "data.u",
                        token = "t" },
            expect = {
                body = {
                    title = "T é x", labels = { "a b" }, assignees = { "ann" }, milestone = 3,
                    body = "**by** @\u{200b}octocat\n\\!\\[x\\]\\(http://evil\\) "
                        .. "\\<img src=x\\>\n\n<https://d/1>\n\n<!-- grapnel event e1 -->",
                },
            },
        },
        {
            name = "what is too long is cut",
            event = { id = "e1", data = { title = ("é"):rep(70000) } },
            options = { token = "t", title = "{{data.title}}", text = "{{data.title}}" },
            expect = {
                body = { title = ("é"):rep(253) .. "...",
                         body = ("é"):rep(31447) .. "\\.\\.\\.\n\n<!-- grapnel event e1 -->" },
            },
        },
        {
            name = "a limit is waited for",
            options = { token = "t" },
            response = { status = 403, headers = { ["X-RateLimit-Remaining"] = "0",
                                                   ["X-RateLimit-Reset"] = "1767225660" } },
            expect = { verdict = { "retry", 60 } },
        },
        {
            name = "one with Retry-After is the engine's matter, so is a token without rights",
            options = { token = "t" },
            response = { status = 403, headers = { ["Retry-After"] = "60" } },
            expect = { verdict = false },
        },
        {
            name = "what GitHub cannot process is not tried again",
            options = { token = "t" },
            response = { status = 422, body = [[{"message":"Validation Failed","errors":[
                {"field":"title","code":"missing"}]}]] },
            expect = { verdict = { "fail", "422: Validation Failed [ "
                .. '{"field":"title","code":"missing"}]' } },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { milestone = 0, labels = "x", link = "" },
            expect = { invalid = { token = "required", milestone = "at least 1",
                                   labels = "list expected", link = "empty" } },
        },
    },
}
