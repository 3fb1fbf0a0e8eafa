-- SPDX-License-Identifier: MIT
-- rename: gives members of the body other names, or another place.
-- Options: names (a path of the body and the new name there: data.title=headline, also
--   data.items.*.price=cost), moves (a path and the path where it goes: data.user.email=email).
-- Sends: {"hook":{...},"data":{"items":[{"cost":5}],"headline":"Log4j"},"email":"a@b"}
-- Limits: what is missing is left out; what has the new name is replaced; a new name follows behind
--   the others. All names change at once, so two may be exchanged; then all moves, in the order of
--   their paths. Elements of lists have no names; moving one makes the others move up.
local content = require "grapnel.content"
local json = require "grapnel.json"

local function is_path(path, walk)
    local ok, problem = pcall(walk, {}, path)
    if ok then return true end
    return nil, ("'%s': %s"):format(path, problem)
end

local function rename(body, names)
    local taken = {}
    for path, name in pairs(names) do
        for parent, key in json.each(body, path) do
            if type(key) ~= "string" then error(path .. ": elements of a list have no name", 0) end
            table.insert(taken, { parent = parent, key = key, name = name, value = parent[key] })
        end
    end
    for _, it in ipairs(taken) do it.parent[it.key] = nil end
    for _, it in ipairs(taken) do it.parent[it.name] = it.value end
end

local function move(body, from, to)
    for parent, key in json.each(body, from) do
        local value = parent[key]
        if math.type(key) then table.remove(parent, key) else parent[key] = nil end
        json.set(body, to, value)
    end
end

return {
    api = 1,
    help = "other names and places for members",
    options = {
        names = {
            type = "map", of = "string", help = "a path and the new name",
            example = { ["data.title"] = "headline" },
            check = function(name, path)
                if name == "" then return nil, "a new name must not be empty" end
                if path:find("^%*$") or path:find("[^\\]%.%*$") then
                    return nil, "many members cannot get one name"
                end
                return is_path(path, json.each)
            end,
        },
        moves = {
            type = "map", of = "path", help = "a path and where it goes",
            example = { ["data.user.email"] = "email" },
            check = function(to, from)
                local ok, problem = is_path(from, json.get)
                if ok then return is_path(to, json.get) end
                return nil, problem
            end,
        },
    },

    transform = function(request, _, ctx)
        local body = content.table(request)
        rename(body, ctx.options.names or {})
        for from, to in pairs(ctx.options.moves or {}) do move(body, from, to) end
    end,

    tests = {
        {
            name = "a name, also of null and in every element, spelled as it was",
            event = [[{"event":"x","data":{"title":"\u00e9","n":1.50,"none":null,
                "items":[{"price":5.0,"id":1},{"id":2},{"price":null}],"last":[]}}]],
            options = {
                names = { ["data.title"] = "headline", ["data.none"] = "nothing", ["data.n"] = "m",
                          ["data.items.*.price"] = "cost", ["data.missing"] = "found",
                          hook = "meta" },
            },
            expect = {
                body = [[{"data":{"items":[{"id":1,"cost":5.0},{"id":2},{"cost":null}],"last":[],]]
                    .. [["headline":"é","m":1.50,"nothing":null},]]
                    .. '"meta":{"uuid":"00000000-0000-4000-8000-000000000000","event":"x",'
                    .. '"target":"https://example.com/"}}',
            },
        },
        {
            name = "two exchange their names, one is replaced",
            event = [[{"event":"x","override":{"a":1,"b":2,"c":3,"d":4}}]],
            options = { names = { a = "b", b = "a", c = "d" } },
            expect = { body = { a = 2, b = 1, d = 3 } },
        },
        {
            name = "a parent and its child at once",
            event = [[{"event":"x","override":{"user":{"mail":"a@b","name":"n"}}}]],
            options = { names = { user = "person", ["user.mail"] = "email" } },
            expect = { body = '{"person":{"name":"n","email":"a@b"}}' },
        },
        {
            name = "members move up, down, out of a list, and into objects that are made",
            event = [[{"event":"x","override":{"user":{"mail":"a@b","id":12345678901234567890},
                "list":["a","b","c"],"flat":[1]}}]],
            options = {
                moves = { ["user.mail"] = "email", flat = "deep.er.flat", ["list.2"] = "second",
                          missing = "found", ["user.id"] = [[a\.b]] },
            },
            expect = {
                body = {
                    user = {}, list = { "a", "c" }, second = "b", email = "a@b",
                    deep = { er = { flat = { 1 } } }, ["a.b"] = 12345678901234567890,
                },
            },
        },
        {
            name = "a move through what is no object is an error",
            event = [[{"event":"x","override":{"a":1,"b":2}}]],
            options = { moves = { a = "b.c" } },
            expect = { error = "'b' in the path 'b.c' is a number" },
        },
        {
            name = "an element has no name",
            event = [[{"event":"x","override":{"a":[1,2]}}]],
            options = { names = { ["a.1"] = "b" } },
            expect = { error = "a.1: elements of a list have no name" },
        },
        {
            name = "nothing to do, and a body that is no object",
            event = [[{"event":"x","override":{"a":[]}}]],
            expect = { body = '{"a":[]}' },
        },
        {
            name = "a body that is a text is an error",
            request = { body = "a=1" }, options = { names = { a = "b" } },
            expect = { error = "the body is a text already" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { names = { ["data..a"] = "b" }, moves = { ["data.*"] = "b" } },
            expect = {
                invalid = { names = "'data..a': a path must not have an empty name",
                            moves = "'data.*': a path to one value has no *" },
            },
        },
        {
            name = "also many members for one name, and no place to go",
            options = { names = { ["data.*"] = "b" }, moves = { a = "b..c" } },
            expect = { invalid = { names = "many members", moves = "must not have an empty" } },
        },
        {
            name = "and an empty name",
            options = { names = { a = "" } },
            expect = { invalid = { names = "a new name must not be empty" } },
        },
    },
}
