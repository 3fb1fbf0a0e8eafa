-- SPDX-License-Identifier: MIT
-- All is removed while it is walked.
-- outcome: delivered
-- sends: {"a":[]}
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local t = json.decode('{"a":[1,2,{"b":[3]},4]}')
        for parent, key in json.each(t, "a.*") do
            table.remove(parent, key)
        end
        request.body = t
    end,
}
