-- SPDX-License-Identifier: MIT
-- xml: any JSON value as the text of XML elements, in which no value gets out of its element.
-- Follows XML 1.0, fifth edition. Names are ASCII: what is none gets _ for what it must not have,
-- and an attribute `name` with the whole; characters that XML cannot hold become U+FFFD.
local json = require "grapnel.json"
local text = require "grapnel.text"

local LOST = "\u{FFFD}"
local BLANKS = { ["\n"] = "&#10;", ["\t"] = "&#9;" }     -- in attributes; else readers change them

local CONTROLS = { ["\r"] = "&#13;" }
for byte = 0, 31 do
    local c = string.char(byte)
    if not c:find("[\t\n\r]") then CONTROLS[c] = LOST end
end

local function escaped(value)                   -- most texts have nothing of this: look, then copy
    value = text.escape_html(value)
    if value:find("%c") then value = value:gsub("%c", CONTROLS) end
    if value:find("\u{FFFE}", 1, true) or value:find("\u{FFFF}", 1, true) then
        value = value:gsub("\u{FFFE}", LOST):gsub("\u{FFFF}", LOST)
    end
    return value
end

local function attribute(name, value)
    return (' %s="%s"'):format(name, (escaped(value):gsub("[\n\t]", BLANKS)))
end

-- As the check of an option.
local function is_name(name)
    if name:find("^[%a_][%w_.-]*$") and not name:lower():find("^xml") then return true end
    return nil, "the name of an element is ASCII letters, digits, _ . - and does not begin with xml"
end

local function tags(known, name)                -- what opens and what closes an element
    if not known[name] then
        local good = is_name(name) and name or name:gsub("[^%w_.-]", "_")
        if not is_name(good) then good = "_" .. good end
        local more = good == name and "" or attribute("name", name)
        known[name] = { "<" .. good .. more .. ">", "</" .. good .. ">" }
    end
    return known[name][1], known[name][2]
end

-- Appends to the list `out` what stands between the tags of a value; `item` names the elements of
-- lists; `nulls` is "omit" or else they are empty elements.
local function write_all(out, value, options, known) -- at most as deep as JSON may be: 64 levels
    if type(value) == "table" then
        for key, inner in pairs(value) do
            local open, close = tags(known, type(key) == "string" and key or options.item)
            if inner ~= json.null or options.nulls ~= "omit" then
                out[#out + 1] = open
                write_all(out, inner, options, known)
                out[#out + 1] = close
            end
        end
    elseif value ~= json.null then
        out[#out + 1] = type(value) == "string" and escaped(value) or json.encode(value)
    end
end

local function write(out, value, options)
    if value ~= nil then write_all(out, value, options, {}) end
end

return { is_name = is_name, escaped = escaped, attribute = attribute, write = write }
