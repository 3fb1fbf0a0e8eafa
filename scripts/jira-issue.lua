-- SPDX-License-Identifier: MIT
-- jira-issue: creates an issue in Jira, Cloud or Data Center.
-- Target: https://SITE.atlassian.net/rest/api/3/issue, or https://HOST/rest/api/2/issue
-- Options: project, issue_type, summary, description, fields (templates), priorities (by event),
--   labels, components, assignee, link, site, token, user (Cloud: an e-mail; without: a Bearer).
-- Sends: {"fields":{"project":{"key":"SEC"},"issuetype":{"name":"Task"},"summary":"...",
--   "description":{"type":"doc",...}},"properties":[{"key":"grapnel","value":{"event":"0194..."}}]}
-- Follows: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
-- Limits: summary 255 characters in one line, description 32767 (cut at 20000); labels have no
--   spaces. An answer that is lost makes a second issue: its property grapnel names the event.
local answer = require "grapnel.answer"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"

local function document(said)                   -- Atlassian Document Format: text without markup
    local doc = { type = "doc", version = 1, content = {} }
    for it in said:gmatch("[^\r\n]+") do
        local run = { type = "text", text = it }
        table.insert(doc.content, { type = "paragraph", content = { run } })
    end
    return doc
end

local function wiki(value)                      -- for Data Center, which reads wiki markup
    return (value:gsub("[%[%]{}*_^~|!\\]", "\\%0"))
end

local function description(event, options, escape)
    local said = message.filler(event, options, escape)("description", 20000)
        or message.lines(event, escape, 20000) or event.event
    local link = message.link(event, options)
    return link and said .. "\n" .. link or said
end

local function fields_of(event, options)
    local fields, parts = {}, {}
    local summary = message.filler(event, options)("summary", 255) or message.title(event, 255)
    local priority = (options.priorities or {})[message.level(event) or ""]
    for i, name in ipairs(options.components or {}) do parts[i] = { name = name } end
    for name, it in pairs(options.fields or {}) do fields[name] = message.fill(it, event) end
    fields.project, fields.issuetype = { key = options.project }, { name = options.issue_type }
    fields.summary, fields.labels = (summary:gsub("%s+", " ")), options.labels
    fields.components, fields.priority = parts[1] and parts, priority and { name = priority }
    return fields
end

return {
    api = 1,
    help = "an issue in Jira",
    options = {
        project = { type = "string", required = true, help = "the project's key", example = "SEC" },
        issue_type = { type = "string", default = "Task", help = "its name", example = "Bug" },
        summary = message.template("the summary", "{{data.title}}"),
        description = message.template("the description", "{{data.notes}}"),
        priorities = { type = "map", of = "string", help = "names for critical, high, medium, low",
                       example = { critical = "Highest", high = "High" } },
        labels = { type = "list", of = "string", help = "labels", example = { "dejacode" },
                   check = function(it) return not it:find("%s"), "a label has no spaces" end },
        components = { type = "list", of = "string", help = "names", example = { "Licenses" } },
        assignee = { type = "string", help = "account id, or name", example = "5b10a2" },
        fields = { type = "map", of = "text", help = "other fields; {{path}}",
                   example = { customfield_10010 = "{{data.uuid}}" } },
        link = message.LINK, site = message.SITE,
        token = { type = "secret", required = true, help = "an API token, or access token" },
        user = { type = "string", help = "its owner", example = "ann@example.com" },
    },

    transform = function(request, event, ctx)
        local options, is_v2 = ctx.options, request.url:find("/rest/api/2/", 1, true)
        local said, fields = description(event, options, is_v2 and wiki), fields_of(event, options)
        fields.description = is_v2 and said or document(said)
        fields.assignee = options.assignee and { [is_v2 and "name" or "id"] = options.assignee }
        request.body = { fields = fields,
                         properties = { { key = "grapnel", value = { event = event.id } } } }
    end,
    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token)
    end,
    response = function(response) return answer.refused(response, 400) end,

    tests = {
        {
            name = "Cloud, only what is required: no markup in Atlassian's documents",
            event = [[{"event":"request.added","data":{"title":"Log4j\n*2*","priority":"Urgent",
                "n":1.50,"assignee":null,"absolute_url":"https://d/1"}}]],
            options = { project = "SEC", token = "t" },
            webhook = { target = "https://s.atlassian.net/rest/api/3/issue" },
            expect = {
                headers = { Authorization = "Bearer t" },
                body = {
                    fields = {
                        project = { key = "SEC" }, issuetype = { name = "Task" },
                        summary = "request.added: Log4j *2*",
                        description = { type = "doc", version = 1, content = {
                            { type = "paragraph",
                              content = { { type = "text", text = "Priority: Urgent" } } },
                            { type = "paragraph",
                              content = { { type = "text", text = "N: 1.50" } } },
                            { type = "paragraph", content = {
                                { type = "text", text = "Absolute url: https://d/1" } } },
                            { type = "paragraph",
                              content = { { type = "text", text = "https://d/1" } } },
                        } },
                    },
                    properties = { { key = "grapnel", value = {
                        event = "00000000-0000-7000-8000-000000000000" } } },
                },
            },
        },
        {
            name = "Data Center, every option: wiki markup is escaped",
            event = { data = { t = "é{code}", by = "[~admin] h1.", u = "https://d/x_1",
                               priority = "high", uuid = "U" } },
            options = {
                project = "SEC", issue_type = "Bug", summary = "S {{data.t}}\nx",
                description = "*by* {{data.by}}{{data.none}}", link = "data.u",
                priorities = { critical = "Highest", high = "High" }, labels = { "a", "b" },
                components = { "C 1", "D" }, assignee = "ann", token = "pw", user = "bot",
                fields = { customfield_1 = "{{data.uuid}}", customfield_2 = "{{data.none}}" },
            },
            webhook = { target = "https://jira.d/rest/api/2/issue" },
            expect = {
                headers = { Authorization = "Basic Ym90OnB3" },
                body = {
                    fields = {
                        project = { key = "SEC" }, issuetype = { name = "Bug" },
                        summary = "S é{code} x", priority = { name = "High" },
                        description = "*by* \\[\\~admin\\] h1.\nhttps://d/x_1",
                        labels = { "a", "b" }, components = { { name = "C 1" }, { name = "D" } },
                        assignee = { name = "ann" }, customfield_1 = "U",
                    },
                    properties = { { key = "grapnel", value = {
                        event = "00000000-0000-7000-8000-000000000000" } } },
                },
            },
        },
        {
            name = "an event of nothing, levels without a name, an assignee of Cloud",
            event = { event = "user.locked_out", id = "e1", data = { description = "x" } },
            options = { project = "SEC", token = "t", priorities = { low = "Low" },
                        summary = "{{data.title}}", assignee = "5b10" },
            expect = {
                body = {
                    fields = {
                        project = { key = "SEC" }, issuetype = { name = "Task" },
                        summary = "user.locked_out: x", assignee = { id = "5b10" },
                        description = { type = "doc", version = 1, content = { {
                            type = "paragraph",
                            content = { { type = "text", text = "user.locked_out" } } } } },
                    },
                    properties = { { key = "grapnel", value = { event = "e1" } } },
                },
            },
        },
        {
            name = "what is too long is cut",
            event = { id = "e1", data = { title = ("é"):rep(30000) } },
            options = { project = "SEC", token = "t", summary = "{{data.title}}",
                        description = "{{data.title}}" },
            webhook = { target = "https://jira.d/rest/api/2/issue" },
            expect = {
                body = {
                    fields = { project = { key = "SEC" }, issuetype = { name = "Task" },
                               summary = ("é"):rep(252) .. "...",
                               description = ("é"):rep(19997) .. "..." },
                    properties = { { key = "grapnel", value = { event = "e1" } } },
                },
            },
        },
        {
            name = "fields that Jira refuses are not tried again",
            options = { project = "SEC", token = "t" },
            response = { status = 400, body = [[{"errorMessages":[],
                "errors":{"project":"valid project is required"}}]] },
            expect = { verdict = { "fail", '400: {"project":"valid project is required"}' } },
        },
        {
            name = "created",
            options = { project = "SEC", token = "t" },
            response = { status = 201, body = '{"id":"1","key":"SEC-1"}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { labels = { "a b" }, priorities = { "High" }, token = "" },
            expect = { invalid = { project = "required", labels = "no spaces",
                                   priorities = "map", token = "must not be empty" } },
        },
    },
}
