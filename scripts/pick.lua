-- SPDX-License-Identifier: MIT
-- pick: sends only the members of the body that are listed.
-- Options: paths (of the body: data.title, data.items.*.price), hook (false: also `hook` only if it
--   is listed).
-- Sends: {"hook":{...},"data":{"title":"Log4j","items":[{"price":5},{"price":7}]}}
-- Limits: a path that is not there picks nothing; objects and lists on the way stay, also empty;
--   elements of a list that are not picked go, and the others move up. Later scripts see all of the
--   event, extra_payload is merged afterwards.
local content = require "grapnel.content"

local ANY, WHOLE = {}, {}           -- keys of the tree beside the members' names
local MARKS = { ["."] = "\1", ["*"] = "\2", ["\\"] = "\3" }
local MARKED = { ["\1"] = ".", ["\2"] = "*", ["\3"] = "\\" }

local function add(tree, path)
    for part in path:gsub("\\(.)", MARKS):gmatch("[^.]+") do
        local name = part == "*" and ANY or part:gsub("[\1-\3]", MARKED)
        tree[name] = tree[name] or {}
        tree = tree[name]
    end
    tree[WHOLE] = true
end

-- What the trees say of a member: the trees below it, and whether it is picked as a whole.
local function below(trees, key)
    local found, is_whole = {}, false
    for _, tree in ipairs(trees) do
        for _, name in ipairs({ tostring(key), ANY }) do
            table.insert(found, tree[name])
            is_whole = is_whole or (tree[name] ~= nil and tree[name][WHOLE] == true)
        end
    end
    return found, is_whole
end

local function prune(t, trees)      -- at most as deep as JSON may be: 64 levels
    local gone = {}
    for key, value in pairs(t) do
        local found, is_whole = below(trees, key)
        if not is_whole and found[1] and type(value) == "table" then
            prune(value, found)
        elseif not is_whole then
            table.insert(gone, key)
        end
    end
    for i = #gone, 1, -1 do
        if math.type(gone[i]) then table.remove(t, gone[i]) else t[gone[i]] = nil end
    end
end

return {
    api = 1,
    help = "only the members that are listed",
    options = {
        paths = { type = "list", of = "path", required = true, min = 1,
                  help = "what is sent", example = { "data.title", "data.items.*.price" } },
        hook = { type = "boolean", default = true, help = "keeps the engine's hook" },
    },

    transform = function(request, _, ctx)
        local body, tree = content.table(request), {}
        for _, path in ipairs(ctx.options.paths) do add(tree, path) end
        if ctx.options.hook then tree.hook = { [WHOLE] = true } end
        if not tree.hook then body.hook = nil end       -- no "*" is meant to bring it
        prune(body, { tree })
    end,

    tests = {
        {
            name = "members, in their order, as they were spelled",
            event = [[{"event":"x","data":{"b":1.50,"s":"secret","a":{"d":"\u00e9","c":[]},]]
                .. [["z":null}}]],
            options = {
                paths = { "data.z", "data.a.d", "data.b", "data.missing", "data.b.deeper" },
            },
            expect = {
                body = '{"hook":{"uuid":"00000000-0000-4000-8000-000000000000","event":"x",'
                    .. '"target":"https://example.com/"},'
                    .. [["data":{"b":1.50,"a":{"d":"\u00e9"},"z":null}}]],
            },
        },
        {
            name = "in every element, and in some",
            event = [=[{"event":"x","data":{"items":[{"id":1,"price":5},{"id":2},{"price":7},8],]=]
                .. [=["tags":["a","b","c"],"more":[[1,2],[3]]}}]=],
            options = {
                paths = { "data.items.*.price", "data.tags.1", "data.tags.3", "data.more.*.2" },
                hook = false,
            },
            expect = {
                body = '{"data":{"items":[{"price":5},{},{"price":7}],"tags":["a","c"],'
                    .. '"more":[[2],[]]}}',
            },
        },
        {
            name = "a star and a name, a whole and a part of it",
            event = [[{"event":"x","fields":{
                "u":{"a":1,"b":2},"v":{"a":3,"b":4},"w":{"a":5},"n":1}}]],
            options = { paths = { "*.a", "u.b", "w", "w.a" }, hook = false },
            expect = { body = '{"u":{"a":1,"b":2},"v":{"a":3},"w":{"a":5}}' },
        },
        {
            name = "a part of the hook",
            event = [[{"event":"x","data":{"a":1}}]],
            options = { paths = { "hook.event" }, hook = false },
            expect = { body = '{"hook":{"event":"x"}}' },
        },
        {
            name = "dots and stars in names",
            event = [[{"event":"x","data":{"a.b":1,"a":{"b":2},"*":3,"c\\d":4}}]],
            options = { paths = { [[data.a\.b]], [[data.\*]], [[data.c\\d]] }, hook = false },
            expect = { body = [[{"data":{"a.b":1,"*":3,"c\\d":4}}]] },
        },
        {
            name = "nothing of it is there",
            event = [[{"event":"x","data":"text"}]],
            options = { paths = { "data.a", "other" }, hook = false },
            expect = { body = "{}" },
        },
        {
            name = "what extra_payload adds is not picked",
            event = [[{"event":"x","override":{"a":1,"b":2}}]], options = { paths = { "b" } },
            webhook = { extra_payload = { c = 3 } },
            expect = { body = '{"b":2,"c":3}' },
        },
        {
            name = "a body that is a text is an error",
            request = { body = "a=1" }, options = { paths = { "a" } },
            expect = { error = "the body is a text already" },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { paths = { "data.a", "data..b" } },
            expect = { invalid = { paths = "element 2: a path must not have an empty name" } },
        },
        {
            name = "nothing to pick is a mistake",
            options = { paths = {} },
            expect = { invalid = { paths = "at least 1" } },
        },
    },
}
