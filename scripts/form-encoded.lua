-- SPDX-License-Identifier: MIT
-- form-encoded: sends the data as an HTML form would, for receivers that read no JSON.
-- Options: nested (how what lies deeper is named: brackets, dots, or json: as JSON text), field
--   (puts all of the body as JSON text in one field, as GitHub and Slack do with payload).
-- Sends: id=42&tags%5B%5D=a&tags%5B%5D=b&user%5Bname%5D=joe, or payload=%7B%22hook%22%3A...
-- Limits: fields are sorted by name, null is an empty field, an empty list or object is none; the
--   engine's `hook` is left out unless a field takes the whole. extra_payload may hold no objects.
-- Follows: https://url.spec.whatwg.org/#application/x-www-form-urlencoded; brackets are read by
--   PHP, Rails, Express and others.
local content = require "grapnel.content"
local json = require "grapnel.json"

local NAME = {                      -- the name of a member, of an element, of a list of scalars
    brackets = { "%s[%s]", "%s[%d]", "%s[]" },
    dots = { "%s.%s", "%s.%d", "%s" },
}

local function is_flat(list)
    for _, value in ipairs(list) do
        if type(value) == "table" then return false end
    end
    return true
end

local function add(out, name, value, style)     -- at most as deep as JSON may be: 64 levels
    if type(value) ~= "table" then
        out[name] = value
    elseif not NAME[style] then
        out[name] = json.encode(value)
    elseif #value > 0 and is_flat(value) then
        out[NAME[style][3]:format(name)] = value
    else
        for key, inner in pairs(value) do
            local is_element = math.type(key) == "integer"
            local form = NAME[style][is_element and 2 or 1]
            add(out, form:format(name, is_element and key - 1 or key), inner, style)
        end
    end
end

return {
    api = 1,
    help = "the data as a form",
    options = {
        nested = { type = "string", default = "brackets", choices = { "brackets", "dots", "json" },
                   help = "how what lies deeper is named" },
        field = { type = "string", min = 1, help = "one field for all, as JSON",
                  example = "payload" },
    },

    transform = function(request, event, ctx)
        local out = json.object()
        if ctx.options.field then
            out[ctx.options.field] = json.encode(content.table(request))
        else
            local whole = content.of(request, event)
            if type(whole) ~= "table" or #whole > 0 then
                error("a form is made of an object", 0)
            end
            for name, value in pairs(whole) do add(out, name, value, ctx.options.nested) end
        end
        request.body = out
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    end,

    tests = {
        {
            name = "flat members, escaped, numbers as they were written",
            event = [[{"event":"x","data":{"title":"a b&c=d+ü\n","n":1.50,
                "big":12345678901234567890,"yes":true,"none":null,"empty":"","b":"x"}}]],
            webhook = { extra_payload = { z = "last" } },
            expect = {
                body = "b=x&big=12345678901234567890&empty=&n=1.50&none=&title=a+b%26c%3Dd%2B%C3%BC"
                    .. "%0A&yes=true&z=last",
                headers = { ["Content-Type"] = "application/x-www-form-urlencoded" },
            },
        },
        {
            name = "brackets",
            event = [[{"event":"x","fields":{"u":{"n":{"f":1}},"tags":["a","b"],"e":[],"o":{},
                "items":[{"id":1},{"id":2,"t":["x"]}, 3]}}]],
            expect = {
                body = "items%5B0%5D%5Bid%5D=1&items%5B1%5D%5Bid%5D=2&items%5B1%5D%5Bt%5D%5B%5D=x"
                    .. "&items%5B2%5D=3&tags%5B%5D=a&tags%5B%5D=b&u%5Bn%5D%5Bf%5D=1",
            },
        },
        {
            name = "dots",
            event = [[{"event":"x","override":{"u":{"n":1},"tags":["a","b"],
                "items":[{"id":1},2]}}]],
            options = { nested = "dots" },
            expect = { body = "items.0.id=1&items.1=2&tags=a&tags=b&u.n=1" },
        },
        {
            name = "what lies deeper as JSON",
            event = [[{"event":"x","data":{"u":{"n":1.0},"tags":["a"],"s":"x"}}]],
            options = { nested = "json" },
            expect = { body = "s=x&tags=%5B%22a%22%5D&u=%7B%22n%22%3A1.0%7D" },
        },
        {
            name = "all in one field, byte for byte",
            event = [[{"event":"x","override":{"a":1.0,"b":[] }}]],
            options = { field = "payload" },
            expect = { body = "payload=%7B%22a%22%3A1.0%2C%22b%22%3A%5B%5D+%7D" },
        },
        {
            name = "no data is an empty form",
            event = [[{"event":"x","data":{}}]], expect = { body = "" },
        },
        {
            name = "data that is no object is an error",
            event = [[{"event":"x","data":[1]}]],
            expect = { error = "a form is made of an object" },
        },
        {
            name = "a name is not a format",
            event = [[{"event":"x","data":{"%s":{"%d":1}}}]],
            expect = { body = "%25s%5B%25d%5D=1" },
        },
        {
            name = "a body that is a text is an error",
            request = { body = "x" }, options = { field = "payload" },
            expect = { error = "the body is a text already" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { nested = "commas", field = "" },
            expect = { invalid = { nested = "one of brackets", field = "its length" } },
        },
    },
}
