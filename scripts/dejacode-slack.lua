-- SPDX-License-Identifier: MIT
-- dejacode-slack: DejaCode's Slack attachments, made from the data of its events.
-- Options: none; extra_payload (channel, username) is merged afterwards, as DejaCode does.
-- Sends: {"attachments":[{"fallback":"#42 Title created by joe","color":"#5bb75b",...}]}
-- Limits: needs "id" in the data for "#42"; without it the number is left out.
local json = require "grapnel.json"
local text = require "grapnel.text"
local time = require "grapnel.time"

local ADDED, CHANGED = "#5bb75b", "#ff9d2e"
local OPTIONAL = {
    { title = "Priority", path = "priority" },
    { title = "Product context", path = "product_context" },
    { title = "Applies to", path = "content_object_display_name" },
}

local function get(data, path)                          -- escaped text, or "None" as Python says
    return text.escape_slack(tostring(json.get(data, path) or "None"))
end

local function heading(data)
    return (json.get(data, "id") and "#" .. get(data, "id") .. " " or "") .. get(data, "title")
end

local function timestamp(data)                          -- Python's str(datetime.timestamp())
    local stamp = json.get(data, "last_modified_date")
    if not stamp then return nil end
    local seconds, nanoseconds = assert(time.parse(stamp))
    local fraction = ("%09d"):format(nanoseconds):gsub("0+$", "")
    return seconds .. "." .. (fraction == "" and "0" or fraction)
end

local function request_attachment(data, tenant, added)
    local action = (added and "created" or "updated") .. " by "
        .. get(data, added and "requester" or "last_modified_by")
    local fields = json.array()
    local function field(title, value)
        table.insert(fields, { title = title, value = value, short = true })
    end
    field("Assigned to", get(data, "assignee"))
    field("Status", (get(data, "status"):gsub("^%l", string.upper)))
    for _, it in ipairs(OPTIONAL) do
        if json.get(data, it.path) then field(it.title, get(data, it.path)) end
    end
    return {
        fallback = heading(data) .. " " .. action,
        pretext = "[DejaCode/" .. tenant .. "] Request " .. action,
        color = added and ADDED or CHANGED,
        title = heading(data),
        title_link = json.get(data, "absolute_url"),
        text = get(data, "request_template_name"),
        fields = fields, ts = timestamp(data),
    }
end

local function comment_attachment(data, tenant)
    local link = "<" .. get(data.request, "absolute_url") .. "|" .. heading(data.request) .. ">"
    local pretext = ("[DejaCode/%s] New comment by %s on Request %s (assigned to %s)"):format(
        tenant, get(data, "user"), link, get(data.request, "assignee"))
    return {
        fallback = pretext, pretext = pretext, color = CHANGED,
        text = get(data, "text"), ts = timestamp(data),
    }
end

local MAKERS = {
    ["request.added"] = function(data, tenant) return request_attachment(data, tenant, true) end,
    ["request.updated"] = function(data, tenant) return request_attachment(data, tenant, false) end,
    ["request_comment.added"] = comment_attachment,
}

return {
    api = 1,

    transform = function(request, event)
        local make = MAKERS[event.event]
        if not make then return end
        request.body = { attachments = { make(event.data, text.escape_slack(event.tenant)) } }
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
