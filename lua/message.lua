-- SPDX-License-Identifier: MIT
-- message: what to say of an event that nothing is known of: a title, facts, a link, a level.
-- It knows the names that DejaCode and most other producers use, and works for any JSON.
local check = require "grapnel.check"
local json = require "grapnel.json"
local text = require "grapnel.text"
local time = require "grapnel.time"

local message = {}

local TITLES = {
    "title", "subject", "summary", "headline", "display_name", "name", "request.title", "text",
    "message", "description", "username", "user.username", "id",
}
local LINKS = { "absolute_url", "html_url", "web_url", "url", "link", "permalink",
                "request.absolute_url" }
local LEVELS = { "severity", "priority", "urgency", "level", "risk", "request.priority" }
local WORDS = {
    critical = { "critical", "urgent", "emergency", "blocker", "fatal", "highest", "p1", "alert" },
    high = { "high", "error", "major", "important", "p2" },
    medium = { "medium", "normal", "moderate", "warning", "warn", "p3" },
    low = { "low", "info", "informational", "minor", "trivial", "lowest", "none", "p4", "p5" },
}
local LEVEL_OF = {}
for level, words in pairs(WORDS) do
    for _, word in ipairs(words) do LEVEL_OF[word] = level end
end
local MOST_FACTS, MOST_NAME, MOST_VALUE, MOST_VISITED = 20, 80, 500, 1000

local function length(s)
    return utf8.len(s, 1, -1, true) or #s
end

-- One line of a scalar, numbers as they were written; nil for what says nothing.
local function spelled(value)
    local kind = type(value)
    if kind == "number" then return json.encode(value) end
    if kind == "boolean" then return tostring(value) end
    if kind ~= "string" then return nil end
    local line = text.truncate(value, 2000, "..."):gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
    return line ~= "" and line or nil
end

local function headline(data)
    if type(data) ~= "table" then return spelled(data) end
    for _, path in ipairs(TITLES) do
        local line = spelled(json.get(data, path))
        if line then return line end
    end
end

-- "request.added: New vulnerability detected"; the event's name alone where nothing is a title.
function message.title(event, most)
    local line = headline(event.data)
    line = line and event.event .. ": " .. line or event.event
    return most and text.truncate(line, most, "...") or line
end

local function joined(list)                     -- a list of scalars as one line
    local items = {}
    for i = 1, math.min(#list, 20) do
        local item = spelled(list[i])
        if not item then return nil end
        table.insert(items, item)
    end
    return items[1] and table.concat(items, ", ") .. (#list > 20 and ", ..." or "")
end

local function is_noise(line)                   -- a UUID, or the path of an address
    return #line == 36 and line:find("^%x+%-%x+%-%x+%-%x+%-%x+$") or line:find("^/%S*/%S*$")
end

local function add_facts(facts, data, prefix, shown)
    for key, value in pairs(data) do
        local name = prefix .. text.truncate(tostring(key), 200)
        local line = spelled(value)
        if not line and type(value) == "table" then
            line = joined(value)
            if not line and prefix == "" then add_facts(facts, value, name .. " ", shown) end
        end
        name = name:gsub("[%s_]+", " "):gsub("^ ", ""):gsub("^%l", string.upper)
        if line and line ~= shown and name ~= "" and not is_noise(line) then
            table.insert(facts, { name = text.truncate(name, MOST_NAME, "..."),
                                  value = text.truncate(line, MOST_VALUE, "...") })
        end
        facts.visited = facts.visited + 1
        if #facts >= MOST_FACTS or facts.visited > MOST_VISITED then return end
    end
end

-- {{name = "Priority", value = "Urgent"}, ...}: the scalars of data, in its order, without the
-- one that is the title, UUIDs and paths; at most 20, two levels deep, of the first 1000 members.
function message.facts(event)
    local facts = { visited = 0 }
    if type(event.data) == "table" then
        add_facts(facts, event.data, "", headline(event.data))
    end
    facts.visited = nil
    return facts
end

-- The facts as "Name: value" lines, as many as fit in `most` characters; escape and start ("- ", of
-- every line) may be left out. nil: there are none.
function message.lines(event, escape, most, start)
    local lines, used = {}, 0
    for _, it in ipairs(message.facts(event)) do
        local line = it.name .. ": " .. it.value
        if escape then line = escape(it.name) .. ": " .. escape(it.value) end
        line = (start or "") .. line
        used = used + length(line) + 1
        if used > most + 1 then break end
        table.insert(lines, line)
    end
    return lines[1] and table.concat(lines, "\n")
end

-- The options that say where a link is, and what stands before one that is only a path.
message.LINK = { type = "path", help = "where the event holds an address",
                 example = "data.absolute_url" }
message.SITE = {
    type = "string", help = "put before an address that is only a path, as DejaCode's are",
    example = "https://dejacode.example.com",
    check = function(site)
        return site:find("^https?://[^%s/]%S*$"), "http(s)://HOST expected"
    end,
}

-- The address at options.link of the event, else where events have one; a path gets options.site
-- before it. nil unless it is http or https.
function message.link(event, options)
    for _, it in ipairs(options.link and { options.link } or LINKS) do
        local address = json.get(options.link and event or event.data, it)
        if options.site and type(address) == "string" and address:find("^/[^/]") then
            address = options.site:gsub("/+$", "") .. address
        end
        if type(address) == "string" and #address <= 2000
            and address:find("^https?://[^%s%c<>\"'`|\\^{}]+$") then
            return address
        end
    end
end

-- "critical", "high", "medium" or "low", by the event's severity or priority; nil: it has none.
function message.level(event, path)
    for _, it in ipairs(path and { path } or LEVELS) do
        local word = spelled(json.get(path and event or event.data, it))
        if word and LEVEL_OF[word:lower()] then return LEVEL_OF[word:lower()] end
    end
end

-- When it happened: seconds and nanoseconds of the time at `path` of the event, else of the event.
function message.moment(event, path)
    local stamp = path and json.get(event, path)
    local seconds, nanoseconds
    if type(stamp) == "string" then seconds, nanoseconds = time.parse(stamp) end
    if not seconds then seconds, nanoseconds = assert(time.parse(event.time)) end
    return seconds, nanoseconds
end

-- Is the event one of these names? "user.*" is all that begin with "user.".
function message.is_one_of(event, names)
    for _, name in ipairs(names or {}) do
        local prefix = name:match("^(.*)%*$")
        if name == event.event or prefix and event.event:sub(1, #prefix) == prefix then
            return true
        end
    end
    return false
end

-- The template filled in, at most `most` (32767) characters: when it is longer, its values are cut
-- before they are escaped, so that no markup is cut in two. nil when it has nothing to show.
function message.fill(template, event, escape, most)
    most = most or 32767
    local room = most
    local filled
    repeat
        filled = text.template(template, event, function(value)
            value = text.truncate(value, room, room > 3 and "..." or "")
            return escape and escape(value) or value
        end)
        room = room // 2
    until length(filled) <= most or room < 8
    return filled:find("%S") and text.truncate(filled, most, "...") or nil
end

-- fill for the templates among a webhook's options: `fill("summary", 255)`; nil when the option is
-- not given, or has nothing to show.
function message.filler(event, options, escape)
    return function(name, most)
        return options[name] and message.fill(options[name], event, escape, most)
    end
end

-- An option that is a template, of at most `most` characters.
function message.template(help, example, default, most)
    return { type = "text", help = help .. "; {{path}} is replaced from the event", max = most,
             example = example, default = default, check = check.template }
end

-- One value, escaped, at most `most` characters; nil when there is nothing to show.
function message.fit(value, escape, most)
    return message.fill("{{value}}", { value = value }, escape, most)
end

-- At most `most` bytes of s, never half of a character.
function message.cut_bytes(s, most)
    if #s <= most then return s end
    return s:sub(1, utf8.offset(s, 0, most - 2) - 1) .. "..."
end

-- Escaped for Markdown: no markup, no mention of a person, no command at a line's begin. What is
-- an address as a whole stays one.
function message.markdown(s)
    if s:find("^https?://[%w%-._~:/?#@!$&+,;=%%]+$") then return s end
    s = (" " .. s):gsub("([^%w])@", "%1@\u{200b}"):sub(2)
    return (text.escape_markdown(s):gsub("^/", "\\/"):gsub("\n(%s*)/", "\n%1\\/"))
end

return message
