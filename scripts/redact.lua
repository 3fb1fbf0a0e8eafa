-- SPDX-License-Identifier: MIT
-- redact: hides members of the body before it leaves the house.
-- Options: paths (of the body: data.user.email, data.cards.*.number), names (members called so,
--   wherever they are, in any case), how (replace, remove, mask: the last four characters stay,
--   hash: HMAC-SHA256 of it by key, so that equal ones can be told), with, key.
-- Sends: {"hook":{...},"data":{"user":{"email":"[redacted]"},"cards":[{"number":"***1111"}]}}
-- Limits: it changes the body as it stands: scripts behind it that take from the event bring back
--   what was hidden, so it goes last. null stays null. Short values and objects are masked whole.
local content = require "grapnel.content"
local crypto = require "grapnel.crypto"
local json = require "grapnel.json"

local SHOWN = 4                     -- characters of a mask; the value must have three times as many

local function spelled(value)
    return type(value) == "string" and value or json.encode(value)
end

local HOW = {
    replace = function(_, options) return options.with end,
    remove = function() return nil end,
    mask = function(value, options)
        local from = type(value) ~= "table" and utf8.offset(spelled(value), -SHOWN)
        if not from or utf8.len(spelled(value)) < 3 * SHOWN then return options.with end
        return "***" .. spelled(value):sub(from)
    end,
    hash = function(value, options)
        if not options.key then error("how is hash, and key is missing", 0) end
        return crypto.hex(crypto.hmac("sha256", options.key, spelled(value)))
    end,
}

local function find(t, names, found)            -- at most as deep as JSON may be: 64 levels
    for key, value in pairs(t) do
        local is_named = names[key]
        if is_named == nil and type(key) == "string" then
            is_named = names[key:lower()] or false
            names[key] = is_named               -- looked up once for all elements of a list
        end
        if is_named then
            table.insert(found, { parent = t, key = key })
        elseif type(value) == "table" then
            find(value, names, found)
        end
    end
end

local function hide(parent, key, options)
    local value = parent[key]
    if value == nil or value == json.null then return end
    local new = HOW[options.how](value, options)
    if new == nil and math.type(key) then table.remove(parent, key) else parent[key] = new end
end

return {
    api = 1,
    help = "hides members of the body",
    options = {
        paths = { type = "list", of = "path", help = "what is hidden", example = { "data.email" } },
        names = { type = "list", of = "string", help = "hidden wherever they are",
                  example = { "password", "token" } },
        how = { type = "string", default = "replace",
                choices = { "replace", "remove", "mask", "hash" } },
        with = { type = "string", default = "[redacted]", help = "what stands in its place" },
        key = { type = "secret", help = "for hash: whoever has it can try values" },
    },

    transform = function(request, _, ctx)
        local body, options, names, found = content.table(request), ctx.options, {}, {}
        if not options.paths and not options.names then error("neither paths nor names", 0) end
        for _, name in ipairs(options.names or {}) do names[name:lower()] = true end
        if next(names) then find(body, names, found) end
        for _, it in ipairs(found) do hide(it.parent, it.key, options) end
        for _, path in ipairs(options.paths or {}) do
            for parent, key in json.each(body, path) do hide(parent, key, options) end
        end
    end,

    tests = {
        {
            name = "paths, with everything else as it was spelled",
            event = [[{"event":"x","data":{"n":1.50,"user":{"email":"a@b","id":1e2},"none":null,
                "cards":[{"number":"4111111111111111"},{"number":5},{}]}}]],
            options = { paths = { "data.user.email", "data.cards.*.number", "data.missing.x",
                                  "data.none" } },
            expect = {
                body = '{"hook":{"uuid":"00000000-0000-4000-8000-000000000000","event":"x",'
                    .. '"target":"https://example.com/"},'
                    .. '"data":{"n":1.50,"user":{"email":"[redacted]","id":1e2},"none":null,\n'
                    .. '                "cards":[{"number":"[redacted]"},'
                    .. '{"number":"[redacted]"},{}]}}',
            },
        },
        {
            name = "names at any depth and in any case, whole objects too",
            event = [=[{"event":"x","override":{"Password":"p","a":[[{"TOKEN":{"x":1},"b":"token"}]
                ],"password_hint":"h","token":null}}]=],
            options = { names = { "password", "Token" }, with = "" },
            expect = {
                body = {
                    Password = "", a = { { { TOKEN = "", b = "token" } } }, password_hint = "h",
                    token = require "grapnel.json".null,
                },
            },
        },
        {
            name = "removed, also from lists",
            event = [[{"event":"x","override":{"a":1,"list":["a","b","c"],"deep":{"a":2,"b":3}}}]],
            options = { paths = { "list.2", "list.1" }, names = { "a" }, how = "remove" },
            expect = { body = '{"list":["c"],"deep":{"b":3}}' },
        },
        {
            name = "masked, never half a character, and never most of it",
            event = [[{"event":"x","override":{"card":"4111111111111111","short":"12345678901",
                "n":123456789012,"o":{"a":1},"u":"äöüäöüäöüäöü€","b":true}}]],
            options = { paths = { "*" }, how = "mask", with = "***" },
            expect = {
                body = { card = "***1111", short = "***", n = "***9012", o = "***", u = "***äöü€",
                         b = "***" },
            },
        },
        {
            name = "hashed by a key, numbers as they were written",
            event = [[{"event":"x","override":{"email":"a@b.example","n":1.50,
                "same":"a@b.example"}}]],
            options = { paths = { "*" }, how = "hash", key = "pepper" },
            expect = {
                body = {
                    email = "05d11f830922a3f2783950a27590e056fdfec97216db0a33f6f3fe40b26880c5",
                    n = "da900cb35a962c618b7cc311e6ad8cf900af8961681fb70fde80ba9a2186e694",
                    same = "05d11f830922a3f2783950a27590e056fdfec97216db0a33f6f3fe40b26880c5",
                },
            },
        },
        {
            name = "without a key nothing is sent",
            event = [[{"event":"x","override":{"email":"a@b"}}]],
            options = { paths = { "email" }, how = "hash" },
            expect = { error = "how is hash, and key is missing" },
        },
        {
            name = "nothing to hide is an error, because something was meant",
            expect = { error = "neither paths nor names" },
        },
        {
            name = "a body that is a text is an error",
            request = { body = "password=1" }, options = { names = { "password" } },
            expect = { error = "the body is a text already" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { paths = { "a..b" }, how = "encrypt" },
            expect = { invalid = { paths = "empty name", how = "one of replace, remove" } },
        },
    },
}
