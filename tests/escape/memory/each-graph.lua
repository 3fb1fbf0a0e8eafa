-- SPDX-License-Identifier: MIT
-- json.each over such a graph.
-- outcome: script_memory or script_timeout or script_killed
-- host: either
-- reason: .
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local t = { 1 }
        for _ = 1, 40 do
            t = { t, t }
        end
        for parent in json.each(t, ("*."):rep(40) .. "*") do
            request.body = parent
        end
    end,
}
