-- SPDX-License-Identifier: MIT
-- A deep copy of what is too deep.
-- outcome: script_error
-- reason: deeper than 64 levels
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local t = {}
        for _ = 1, 1000 do
            t = { a = t }
        end
        request.body = json.copy(t)
    end,
}
