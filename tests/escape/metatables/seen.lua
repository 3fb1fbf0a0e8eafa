-- SPDX-License-Identifier: MIT
-- What getmetatable shows of everything that has one.
-- outcome: delivered
-- sends: nil nil nil nil nil nil nil nil
return {
    api = 1,
    transform = function(request, event, ctx)
        local json = require "grapnel.json"
        local found = {}
        local all = { _ENV, string, json, request, request.headers, event, ctx, json.null }
        for i, value in ipairs(all) do
            found[i] = tostring(getmetatable(value))
        end
        request.body = table.concat(found, " ")
    end,
}
