-- SPDX-License-Identifier: MIT
-- Reading and writing each of ten thousand members, one by one.
-- outcome: delivered
-- sends: 10000 1
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local parts = {}
        for i = 1, 10000 do
            parts[i] = ('"k%d":{"v":1}'):format(i)
        end
        local t = json.decode("{" .. table.concat(parts, ",") .. "}")
        local n = 0
        for i = 1, 10000 do
            n = n + t["k" .. i].v
            t["k" .. i] = i == 5 and t["k" .. i] or nil
        end
        request.body = n .. " " .. json.encode(t):match('^{"k5":{"v":(%d)}}$')
    end,
}
