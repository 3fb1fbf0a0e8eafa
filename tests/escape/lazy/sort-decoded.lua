-- SPDX-License-Identifier: MIT
-- Sorting a decoded list with a comparator that lies.
-- outcome: delivered
-- sends: 100
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local list = json.decode("[" .. ("[1],"):rep(99) .. "2]")
        pcall(table.sort, list, function(a, b) return type(a) == type(b) end)
        request.body = tostring(#json.decode(json.encode(list)))
    end,
}
