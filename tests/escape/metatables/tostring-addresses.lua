-- SPDX-License-Identifier: MIT
-- Where tables and functions lie is nobody's business.
-- outcome: delivered
-- sends: table function function table table null
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local shown = {}
        for i, value in ipairs({ {}, print, function() end, string, request, json.null }) do
            shown[i] = tostring(value)
        end
        request.body = table.concat(shown, " ")
    end,
}
