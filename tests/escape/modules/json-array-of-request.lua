-- SPDX-License-Identifier: MIT
-- Marks on what is no plain table: it holds nothing itself.
-- outcome: delivered
-- sends: []
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        json.array(request)
        request.body = json.encode(request)
    end,
}
