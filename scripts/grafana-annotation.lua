-- SPDX-License-Identifier: MIT
-- grafana-annotation: marks events on Grafana's dashboards.
-- Target: https://HOST/api/annotations
-- Options: token (of a service account that may write annotations), text (a template; without it
--   the event's title and link), link, site, tags (templates), dashboard and panel (without: an
--   annotation of the organization, found by its tags), time and end_time (paths of times).
-- Sends: {"time":1769767872000,"tags":["grapnel","request.added"],"text":"request.added: Log4j"}
-- Follows: https://grafana.com/docs/grafana/latest/developers/http_api/annotations/
-- Limits: text is cut at 4000 characters; what comes from the event is escaped, Grafana shows
--   some HTML. Tags have 100 characters each, and 500 in all as Grafana is configured by default.
--   An answer that is lost makes a second annotation.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"
local text = require "grapnel.text"

local MOST, MOST_TAGS = 4000, 500

local function default_text(event, options)
    local said = message.fit(message.title(event), text.escape_html, 1500)
    local link = message.link(event, options)
    if not link then return said end
    return said .. '\n<a href="' .. text.escape_html(link) .. '">Open</a>'
end

local function tags_of(event, options)
    local tags, used = {}, 2
    for _, it in ipairs(options.tags) do
        local tag = message.fill(it, event, nil, 100)
        used = used + (tag and utf8.len(tag, 1, -1, true) + 3 or 0)
        if tag and used <= MOST_TAGS then table.insert(tags, tag) end
    end
    return tags[1] and tags or nil
end

local function milliseconds(event, path)
    local seconds, nanoseconds = message.moment(event, path)
    return seconds * 1000 + nanoseconds // 1000000
end

return {
    api = 1,
    help = "marks events on Grafana's dashboards",
    options = {
        token = { type = "secret", required = true, help = "a service account's token" },
        text = message.template("what is shown; some HTML", "<b>{{data.title}}</b>", nil, MOST),
        link = message.LINK, site = message.SITE,
        tags = { type = "list", of = "string", default = { "grapnel", "{{event}}" },
                 help = "tags; {{path}}", check = check.template,
                 example = { "dejacode", "{{data.priority}}" } },
        dashboard = { type = "string", help = "its uid", example = "jcIIG-07z" },
        panel = { type = "integer", min = 1, help = "of that dashboard", example = 2 },
        time = { type = "path", help = "when it was; default: the event's time",
                 example = "data.started" },
        end_time = { type = "path", help = "of a span of time", example = "data.finished" },
    },

    transform = function(request, event, ctx)
        local options = ctx.options
        local said = default_text(event, options)
        if options.text then said = message.fill(options.text, event, text.escape_html, MOST) end
        request.body = {
            text = said or message.fit(event.event, text.escape_html, MOST),
            tags = tags_of(event, options), dashboardUID = options.dashboard,
            panelId = options.panel, time = milliseconds(event, options.time),
            timeEnd = options.end_time and milliseconds(event, options.end_time),
        }
    end,

    sign = function(request, _, ctx) credentials.set(request, nil, ctx.options.token) end,

    response = function(response) return answer.refused(response, 400) end,

    tests = {
        {
            name = "only what is required",
            event = [[{"event":"request.added","time":"2026-01-30T10:11:12.345678Z","data":{
                "title":"Log4j <2>","html_url":"https://d/1?a=1&b=2"}}]],
            options = { token = "t" },
            expect = {
                headers = { Authorization = "Bearer t" },
                body = [[{"tags":["grapnel","request.added"],"text":"request.added: Log4j ]]
                    .. [[&lt;2&gt;\n<a href=\"https://d/1?a=1&amp;b=2\">Open</a>",]]
                    .. [["time":1769767872345}]],
            },
        },
        {
            name = "every option; no HTML gets in",
            event = { data = { t = "é<script>", from = "2026-01-01T01:00:00+01:00",
                               to = "2026-01-01T00:00:01.5Z" } },
            options = { token = "t", text = "<b>{{data.t}}</b>{{data.none}}", dashboard = "u",
                        tags = { "a", "{{data.t}}", "{{data.none}}" }, panel = 2,
                        time = "data.from", end_time = "data.to" },
            expect = {
                body = { text = "<b>é&lt;script&gt;</b>", tags = { "a", "é<script>" },
                         dashboardUID = "u", panelId = 2, time = 1767225600000,
                         timeEnd = 1767225601500 },
            },
        },
        {
            name = "an event of nothing, times that are none",
            event = { event = "user.locked_out", data = { from = "yesterday" } },
            options = { token = "t", text = "{{data.text}}", tags = {}, time = "data.from" },
            expect = { body = { text = "user.locked_out", time = 1767225600000 } },
        },
        {
            name = "what is too long is cut, tags too many are left out",
            event = { data = { title = ("<"):rep(9000) } },
            options = { token = "t", text = "{{data.title}}", tags = {
                "{{data.title}}", "{{data.title}}", "{{data.title}}", "{{data.title}}",
                "{{data.title}}", "b" } },
            expect = {
                body = {
                    text = ("&lt;"):rep(997) .. "...", time = 1767225600000,
                    tags = { ("<"):rep(97) .. "...", ("<"):rep(97) .. "...",
                             ("<"):rep(97) .. "...", ("<"):rep(97) .. "..." },
                },
            },
        },
        {
            name = "what Grafana refuses is not tried again",
            options = { token = "t" },
            response = { status = 400, body = '{"message":"Failed to save annotation"}' },
            expect = { verdict = { "fail", "400: Failed to save annotation" } },
        },
        {
            name = "saved",
            options = { token = "t" },
            response = { status = 200, body = '{"message":"Annotation added","id":1}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { panel = "2", tags = { "{{a..b}}" }, time = "" },
            expect = { invalid = { token = "required", panel = "integer", tags = "empty name",
                                   time = "empty" } },
        },
    },
}
