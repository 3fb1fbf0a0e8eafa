-- SPDX-License-Identifier: MIT
-- gitlab-issue: opens an issue in GitLab.
-- Target: https://gitlab.com/api/v4/projects/ID/issues (a number, or the path with %2F)
-- Options: title and text (templates; without them the event's title, fields and link), labels,
--   assignees (user ids), milestone (its id), issue_type, confidential, link, site, token.
-- Sends: {"title":"request.added: Log4j","description":"- Priority: Urgent\n...","labels":"deja"}
-- Follows: https://docs.gitlab.com/api/issues/#create-a-new-issue
-- Limits: title 255 characters, description 1048576 (cut at 65000); what comes from the event
--   mentions nobody and is no quick action ("/close"). An answer that is lost makes a second
--   issue: the description ends with a comment that names the event.
local answer = require "grapnel.answer"
local message = require "grapnel.message"

local MOST = 65000

return {
    api = 1,
    help = "an issue in GitLab",
    options = {
        title = message.template("the title", "{{data.title}}"),
        text = message.template("the text, in Markdown", "**{{data.priority}}**: {{data.notes}}"),
        labels = { type = "list", of = "string", help = "names", example = { "dejacode" },
                   check = function(it) return not it:find(","), "a label has no comma" end },
        assignees = { type = "list", of = "integer", help = "ids of users", example = { 42 } },
        milestone = { type = "integer", min = 1, help = "its global id", example = 7 },
        issue_type = { type = "string", choices = { "issue", "incident", "test_case", "task" },
                       help = "default: issue", example = "incident" },
        confidential = { type = "boolean", default = false, help = "seen by members only" },
        link = message.LINK, site = message.SITE,
        token = { type = "secret", required = true, help = "an access token of scope api" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local link = message.link(event, options)
        local title = message.filler(event, options)("title", 255) or message.title(event, 255)
        local said = message.filler(event, options, message.markdown)("text", MOST)
            or message.lines(event, message.markdown, MOST, "- ")
        request.body = {
            title = title:gsub("%s+", " "),
            labels = options.labels and table.concat(options.labels, ","),
            assignee_ids = options.assignees, milestone_id = options.milestone,
            issue_type = options.issue_type, confidential = options.confidential or nil,
            description = (said and said .. "\n\n" or "") .. (link and "<" .. link .. ">\n\n" or "")
                .. "<!-- grapnel event " .. event.id .. " -->",
        }
    end,

    sign = function(request, _, ctx) request.headers["PRIVATE-TOKEN"] = ctx.options.token end,

    response = function(response) return answer.refused(response, 400, 422) end,

    tests = {
        {
            name = "only what is required: title, fields and link",
            event = [[{"event":"request.added","data":{"title":"Log4j *2*","priority":"Urgent",
                "n":1.50,"assignee":null,"html_url":"https://d/1"}}]],
            options = { token = "t" },
            expect = {
                headers = { ["PRIVATE-TOKEN"] = "t", Authorization = false },
                body = {
                    title = "request.added: Log4j *2*",
                    description = "- Priority: Urgent\n- N: 1\\.50\n- Html url: https://d/1\n\n"
                        .. "<https://d/1>\n\n"
                        .. "<!-- grapnel event 00000000-0000-7000-8000-000000000000 -->",
                },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out", id = "e1" },
            options = { token = "t", title = "{{data.title}}", text = "{{data.text}}" },
            expect = {
                body = [[{"description":"<!-- grapnel event e1 -->","title":"user.locked_out"}]],
            },
        },
        {
            name = "every option; nobody is mentioned, no quick action",
            event = { id = "e1", data = { t = "é\nx", u = "https://d/1", by = "@admin",
                                          n = "/close\n  /assign @admin\n`x`" } },
            options = { title = "T {{data.t}}", text = "**by** {{data.by}}\n{{data.n}}",
                        labels = { "a b", "c" }, assignees = { 1, 2 }, milestone = 3,
                        issue_type = "incident", confidential = true, link = "data.u",
                        token = "t" },
            expect = {
                body = {
                    title = "T é x", labels = "a b,c", assignee_ids = { 1, 2 }, milestone_id = 3,
                    issue_type = "incident", confidential = true,
                    description = "**by** @\u{200b}admin\n\\/close\n  \\/assign @\u{200b}admin\n"
                        .. "\\`x\\`\n\n<https://d/1>\n\n<!-- grapnel event e1 -->",
                },
            },
        },
        {
            name = "what is too long is cut",
            event = { id = "e1", data = { title = ("é"):rep(70000) } },
            options = { token = "t", title = "{{data.title}}", text = "{{data.title}}" },
            expect = {
                body = { title = ("é"):rep(252) .. "...",
                         description = ("é"):rep(32497) .. "\\.\\.\\.\n\n"
                            .. "<!-- grapnel event e1 -->" },
            },
        },
        {
            name = "what GitLab refuses is not tried again",
            options = { token = "t" },
            response = { status = 400, body = '{"message":{"title":["is too long"]}}' },
            expect = { verdict = { "fail", '400: {"title":["is too long"]}' } },
        },
        {
            name = "a wrong token is, once it is corrected",
            options = { token = "t" },
            response = { status = 401, body = '{"message":"401 Unauthorized"}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { milestone = 0, labels = { "a,b" }, issue_type = "bug" },
            expect = { invalid = { token = "required", milestone = "at least 1",
                                   labels = "no comma", issue_type = "one of issue" } },
        },
    },
}
