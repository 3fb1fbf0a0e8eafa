-- SPDX-License-Identifier: MIT
-- The same, walked, copied, sorted and counted.
-- outcome: delivered
-- outcome: delivered
-- sends: 0
-- sends: 6
-- data: {"a":[3,1,2]}
-- data: {"a":[1]}
local json = require "grapnel.json"
local kept
return {
    api = 1,
    transform = function(request, event)
        local n = 0
        for _, try in ipairs({ pairs, ipairs, next, json.copy, json.encode, table.sort, table.unpack }) do
            local ok, message = pcall(try, kept)
            n = n + (kept and not ok and message:find("earlier visit", 1, true) and 1 or 0)
        end
        kept = event.data.a
        request.body = tostring(n)
    end,
}
