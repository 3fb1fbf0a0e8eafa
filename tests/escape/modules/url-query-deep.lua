-- SPDX-License-Identifier: MIT
-- A query of a document that is deeper than it may be: its levels are not counted when it is copied.
-- outcome: script_error
-- reason: query:
return {
    api = 1,
    transform = function(request)
        local url, json = require "grapnel.url", require "grapnel.json"
        local deep = json.decode(("["):rep(60) .. ("]"):rep(60))
        for _ = 1, 60 do
            deep = { deep }
        end
        request.body = url.query({ a = deep })
    end,
}
