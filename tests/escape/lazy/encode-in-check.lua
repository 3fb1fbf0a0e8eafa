-- SPDX-License-Identifier: MIT
-- An option's check runs while ctx is encoded, and encodes itself: whose keys are sorted then?
-- outcome: delivered
-- options: {"a":"x"}
-- sends: 120 members, the last z119
return {
    api = 1,
    options = {
        a = {
            type = "string",
            check = function()
                local json, many = require "grapnel.json", {}
                for round = 1, 3 do
                    for i = 1, 500 do
                        many[("inner %d %d "):format(round, i) .. ("i"):rep(60)] = i
                    end
                    json.encode(many)
                    many = {}
                end
                local junk = {}
                for i = 1, 5000 do
                    junk[i] = ("junk %d "):format(i) .. ("j"):rep(60)
                end
                return #junk > 0
            end,
        },
    },
    transform = function(request, _, ctx)
        local json = require "grapnel.json"
        local outer = { a = ctx }
        for i = 0, 119 do
            outer["z" .. ("%03d"):format(i)] = i
        end
        local text = json.encode(outer)
        local value, n, last = json.decode(text), 0, nil
        for key in pairs(value) do
            n, last = n + 1, key
        end
        request.body = ("%d members, the last %s"):format(n - 1, last)
    end,
}
