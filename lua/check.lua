-- SPDX-License-Identifier: MIT
-- check: complaints about options that several scripts have. Each function answers true, or nil and
-- what is wrong, and so can stand as an option's `check`.
local text = require "grapnel.text"

local TOKEN = "^[%w!#$%%&'*+.^_`|~-]+$"            -- RFC 9110, 5.6.2

local function header_name(value)
    if value:find(TOKEN) then return true end
    return nil, "the name of a header is letters, digits and hyphens"
end

-- What can be sent as a header: characters that show, blanks only between them.
local function header_value(value)
    if value:find("[^ -~]") then return nil, "only ASCII characters that show can be sent" end
    if value:find("^ ") or value:find(" $") then
        return nil, "it begins or ends with a blank"
    end
    return true
end

-- A template over the event or another table.
local function template(value)
    local ok, problem = pcall(text.template, value, {})
    if ok then return true end
    return nil, problem
end

-- fields(names): a check of templates in which only these {{names}} mean something, because a
-- misspelt one would be nothing, without a word.
local function fields(names)
    local known = {}
    for _, name in ipairs(names) do known[name] = true end
    return function(value)
        for name in value:gmatch("{{%s*(.-)%s*}}") do
            if not known[name] then
                return nil, ("there is no {{%s}}; there are {{%s}}"):format(
                    name, table.concat(names, "}}, {{"))
            end
        end
        return true
    end
end

return {
    header_name = header_name, header_value = header_value, template = template,
    fields = fields,
}
