-- SPDX-License-Identifier: MIT
-- The same with pairs instead of json.encode.
-- outcome: delivered
-- options: {"a":"x"}
-- sends: 120 members, the last z119
return {
    api = 1,
    options = {
        a = {
            type = "string",
            check = function()
                local n = 0
                for round = 1, 20 do
                    local many = {}
                    for i = 1, 300 do
                        many[("inner %d %d "):format(round, i) .. ("i"):rep(60)] = i
                    end
                    for _ in pairs(many) do
                        n = n + 1
                    end
                end
                return n > 0
            end,
        },
    },
    transform = function(request, _, ctx)
        local json = require "grapnel.json"
        local outer = { a = ctx }
        for i = 0, 119 do
            outer["z" .. ("%03d"):format(i)] = i
        end
        local value, n, last = json.decode(json.encode(outer)), 0, nil
        for key in pairs(value) do
            n, last = n + 1, key
        end
        request.body = ("%d members, the last %s"):format(n - 1, last)
    end,
}
