-- SPDX-License-Identifier: MIT
-- dejacode-slack: DejaCode's Slack attachments, made from the data of its events.
-- Options: site (put before addresses that are only paths, as in the data of DejaCode's events);
--   extra_payload (channel, username) is merged afterwards, as DejaCode does.
-- Sends: {"attachments":[{"fallback":"#42 Title created by joe","color":"#5bb75b",...}]}
-- Limits: needs "id" in the data for "#42"; without it the number is left out.
local json = require "grapnel.json"
local message = require "grapnel.message"
local text = require "grapnel.text"
local time = require "grapnel.time"
local ADDED, CHANGED = "#5bb75b", "#ff9d2e"
local OPTIONAL = { { "Priority", "priority" }, { "Product context", "product_context" },
                   { "Applies to", "content_object_display_name" } }

local function get(data, path)                          -- escaped text, or "None" as Python says
    return text.escape_slack(tostring(json.get(data, path) or "None"))
end

local function heading(data)
    return (json.get(data, "id") and "#" .. get(data, "id") .. " " or "") .. get(data, "title")
end

local function timestamp(data)                          -- Python's str(datetime.timestamp())
    local stamp = json.get(data, "last_modified_date")
    local seconds, nanoseconds = time.parse(type(stamp) == "string" and stamp or "")
    if not seconds then return nil end
    return seconds .. "." .. ("%09d"):format(nanoseconds):gsub("(%d)0+$", "%1")
end

local function address(data, site)
    local value = json.get(data, "absolute_url")
    if type(value) ~= "string" then return nil end
    return site and value:find("^/") and site:gsub("/+$", "") .. value or value
end

local function request_attachment(data, tenant, site, name)
    local added = name == "request.added"
    local action = (added and "created" or "updated") .. " by "
        .. get(data, added and "requester" or "last_modified_by")
    local status = get(data, "status"):gsub("^%l", string.upper)
    local fields = { { title = "Assigned to", value = get(data, "assignee"), short = true },
                     { title = "Status", value = status, short = true } }
    for _, it in ipairs(OPTIONAL) do
        local value = json.get(data, it[2]) and get(data, it[2])
        table.insert(fields, value and { title = it[1], value = value, short = true } or nil)
    end
    return {
        fallback = heading(data) .. " " .. action, title = heading(data),
        pretext = "[DejaCode/" .. tenant .. "] Request " .. action, fields = fields,
        color = added and ADDED or CHANGED, title_link = address(data, site),
        text = get(data, "request_template_name"), ts = timestamp(data),
    }
end

local function comment_attachment(data, tenant, site)
    local request = json.get(data, "request") or {}
    local href = address(request, site)
    local link = href and "<" .. text.escape_slack(href) .. "|" .. heading(request) .. ">"
    local pretext = ("[DejaCode/%s] New comment by %s on Request %s (assigned to %s)"):format(
        tenant, get(data, "user"), link or heading(request), get(request, "assignee"))
    return { fallback = pretext, pretext = pretext, color = CHANGED, text = get(data, "text"),
             ts = timestamp(data) }
end

local MAKERS = {
    ["request.added"] = request_attachment, ["request.updated"] = request_attachment,
    ["request_comment.added"] = comment_attachment,
}

return {
    api = 1,
    help = "DejaCode's own messages to a Slack channel",
    options = { site = message.SITE },
    transform = function(request, event, ctx)
        local make = MAKERS[event.event]
        if not make then return end
        local tenant = text.escape_slack(event.tenant)
        request.body = { attachments = { make(event.data, tenant, ctx.options.site, event.event) } }
    end,

    tests = {
        {
            name = "a new request, with nulls, and extra_payload on top",
            event = [[{"event":"request.added","tenant":"nexB","data":{"id":42,"title":"Log4j <2>",
                "status":"open","requester":"joe","assignee":null,"priority":"Urgent",
                "product_context":null,"request_template_name":"Vulnerability",
                "absolute_url":"https://d/requests/1/",
                "last_modified_date":"2026-01-30T10:11:12.040000Z"}}]],
            webhook = { extra_payload = { channel = "#legal" } },
            expect = {
                body = {
                    channel = "#legal",
                    attachments = {
                        {
                            fallback = "#42 Log4j &lt;2&gt; created by joe",
                            pretext = "[DejaCode/nexB] Request created by joe",
                            color = "#5bb75b",
                            title = "#42 Log4j &lt;2&gt;",
                            title_link = "https://d/requests/1/",
                            text = "Vulnerability",
                            fields = {
                                { title = "Assigned to", value = "None", short = true },
                                { title = "Status", value = "Open", short = true },
                                { title = "Priority", value = "Urgent", short = true },
                            },
                            ts = "1769767872.04",
                        },
                    },
                },
            },
        },
        {
            name = "a comment",
            event = [[{"event":"request_comment.added","tenant":"nexB","data":{"user":"ann",
                "text":"why?","last_modified_date":"2026-01-30T10:11:12Z","request":{"id":42,
                "title":"T","assignee":"bob","absolute_url":"https://d/requests/1/"}}}]],
            expect = {
                body = {
                    attachments = {
                        {
                            fallback = "[DejaCode/nexB] New comment by ann on Request "
                                .. "<https://d/requests/1/|#42 T> (assigned to bob)",
                            pretext = "[DejaCode/nexB] New comment by ann on Request "
                                .. "<https://d/requests/1/|#42 T> (assigned to bob)",
                            color = "#ff9d2e",
                            text = "why?",
                            ts = "1769767872.0",
                        },
                    },
                },
            },
        },
        {
            name = "addresses that are only paths get the site, times that are none are left out",
            event = [[{"event":"request.updated","data":{"title":"T","status":"closed","id":null,
                "last_modified_by":"ann","assignee":"bob","request_template_name":"V",
                "absolute_url":"/requests/1/","last_modified_date":"yesterday"}}]],
            options = { site = "https://dejacode.example.com/" },
            expect = {
                body = {
                    attachments = {
                        {
                            fallback = "T updated by ann",
                            pretext = "[DejaCode/default] Request updated by ann",
                            color = "#ff9d2e", title = "T", text = "V",
                            title_link = "https://dejacode.example.com/requests/1/",
                            fields = {
                                { title = "Assigned to", value = "bob", short = true },
                                { title = "Status", value = "Closed", short = true },
                            },
                        },
                    },
                },
            },
        },
        {
            name = "a comment of nothing",
            event = [[{"event":"request_comment.added","data":{"request":null}}]],
            expect = {
                body = {
                    attachments = {
                        {
                            fallback = "[DejaCode/default] New comment by None on Request None "
                                .. "(assigned to None)",
                            pretext = "[DejaCode/default] New comment by None on Request None "
                                .. "(assigned to None)",
                            color = "#ff9d2e", text = "None",
                        },
                    },
                },
            },
        },
        {
            name = "other events keep their body",
            event = [[{"event":"user.locked_out","fields":{"username":"joe"}}]],
            expect = {
                body = '{"hook":{"uuid":"00000000-0000-4000-8000-000000000000",'
                    .. '"event":"user.locked_out","target":"https://example.com/"},'
                    .. '"username":"joe"}',
            },
        },
    },
}
