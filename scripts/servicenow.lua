-- SPDX-License-Identifier: MIT
-- servicenow: creates an incident, or a record of another table, in ServiceNow.
-- Target: https://INSTANCE.service-now.com/api/now/table/incident
-- Options: short_description and description (templates; without them the event's title and
--   fields), urgency and impact (1 to 3; urgency else by the event's severity or priority), fields
--   (more of them, templates), link, site, token, user (then the token is its password).
-- Sends: {"short_description":"request.added: Log4j","description":"Priority: Urgent",
--   "urgency":"1","correlation_id":"0194...","correlation_display":"grapnel"}
-- Follows: https://www.servicenow.com/docs/ (Table API, POST /now/table/{tableName})
-- Limits: short_description 160 characters, description 4000. An answer that is lost makes a second
--   record: a rule on correlation_id, which is the event's id, can refuse it. A hibernating
--   instance answers 200 with a page: that is tried again.
local answer = require "grapnel.answer"
local check = require "grapnel.check"
local credentials = require "grapnel.credentials"
local message = require "grapnel.message"

local URGENCY = { critical = "1", high = "1", medium = "2", low = "3" }

local function description(event, options)
    local link = message.link(event, options)
    local most = link and 4000 - #link - 1 or 4000
    local said = message.filler(event, options)("description", most)
        or message.lines(event, nil, most)
    return said and link and said .. "\n" .. link or said or link
end

return {
    api = 1,
    help = "an incident in ServiceNow",
    options = {
        short_description = message.template("one line", "{{data.title}}"),
        description = message.template("more of it", "{{data.notes}}"),
        urgency = { type = "integer", min = 1, max = 3, help = "of all; default: by the event's",
                    example = 2 },
        impact = { type = "integer", min = 1, max = 3, help = "of all", example = 3 },
        fields = { type = "map", of = "text", help = "other fields; {{path}}",
                   example = { assignment_group = "Security", u_uuid = "{{data.uuid}}" },
                   check = check.template },
        link = message.LINK, site = message.SITE,
        token = { type = "secret", required = true, help = "an OAuth token, or a password" },
        user = { type = "string", help = "whose password it is", example = "grapnel" },
    },

    transform = function(request, event, ctx)
        local options, record = ctx.options, {}
        for name, it in pairs(options.fields or {}) do
            record[name] = message.fill(it, event, nil, 4000)
        end
        local short = message.filler(event, options)("short_description", 160)
            or message.title(event, 160)
        record.short_description = short:gsub("%s+", " ")
        record.description = description(event, options)
        record.urgency = options.urgency and tostring(options.urgency)
            or URGENCY[message.level(event)]
        record.impact = options.impact and tostring(options.impact)
        record.correlation_id, record.correlation_display = event.id, "grapnel"
        request.body = record
        request.headers["Accept"] = "application/json"
    end,

    sign = function(request, _, ctx)
        credentials.set(request, ctx.options.user, ctx.options.token)
    end,

    response = function(response)
        if response.status < 300 and not response.truncated then
            local record = response.json()
            if type(record) ~= "table" or not record.result then return "retry" end
        end
        return answer.refused(response, 400)
    end,

    tests = {
        {
            name = "only what is required",
            event = [[{"event":"request.added","data":{"title":"Log4j","priority":"Urgent",
                "n":1.50,"assignee":null,"absolute_url":"https://d/1"}}]],
            options = { token = "t" },
            expect = {
                headers = { Authorization = "Bearer t", Accept = "application/json" },
                body = {
                    short_description = "request.added: Log4j", urgency = "1",
                    description = "Priority: Urgent\nN: 1.50\nAbsolute url: https://d/1\n"
                        .. "https://d/1",
                    correlation_id = "00000000-0000-7000-8000-000000000000",
                    correlation_display = "grapnel",
                },
            },
        },
        {
            name = "an event of nothing",
            event = { event = "user.locked_out", id = "e1" },
            options = { token = "t", short_description = "{{data.t}}", description = "{{data.t}}" },
            expect = { body = { short_description = "user.locked_out", correlation_id = "e1",
                                correlation_display = "grapnel" } },
        },
        {
            name = "every option",
            event = { id = "e1", data = { t = "é\nx", u = "https://d/1", g = "Sec" } },
            options = { short_description = "S {{data.t}}", description = "D {{data.t}}",
                        urgency = 3, impact = 2, link = "data.u", token = "pw", user = "bot",
                        fields = { assignment_group = "{{data.g}}", none = "{{data.none}}" } },
            expect = {
                headers = { Authorization = "Basic Ym90OnB3" },
                body = { short_description = "S é x", description = "D é\nx\nhttps://d/1",
                         urgency = "3", impact = "2", assignment_group = "Sec",
                         correlation_id = "e1", correlation_display = "grapnel" },
            },
        },
        {
            name = "what is too long is cut",
            event = { id = "e1", data = { title = ("é"):rep(9000), url = "https://d/1" } },
            options = { token = "t", short_description = "{{data.title}}",
                        description = "{{data.title}}" },
            expect = {
                body = { short_description = ("é"):rep(157) .. "...",
                         description = ("é"):rep(3985) .. "...\nhttps://d/1",
                         correlation_id = "e1", correlation_display = "grapnel" },
            },
        },
        {
            name = "created",
            options = { token = "t" },
            response = { status = 201, body = '{"result":{"sys_id":"1"}}' },
            expect = { verdict = false },
        },
        {
            name = "an instance that sleeps",
            options = { token = "t" },
            response = { status = 200, body = "<html>Hibernating Instance</html>" },
            expect = { verdict = { "retry" } },
        },
        {
            name = "what ServiceNow refuses is not tried again",
            options = { token = "t" },
            response = { status = 400, body = [[{"error":{"message":
                "Exception while reading request","detail":"x"},"status":"failure"}]] },
            expect = { verdict = { "fail", "400: Exception while reading request" } },
        },
        {
            name = "a wrong password is, once it is corrected",
            options = { token = "t" },
            response = { status = 401, body = '{"error":{"message":"User Not Authenticated"}}' },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { urgency = 4, impact = "1", fields = { a = "{{b..c}}" } },
            expect = { invalid = { token = "required", urgency = "at most 3", impact = "integer",
                                   fields = "empty name" } },
        },
    },
}
