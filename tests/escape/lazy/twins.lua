-- SPDX-License-Identifier: MIT
-- Members of the same name.
-- outcome: delivered
-- sends: {"a":1,"b":0,"a":3}
-- data: {"x":1}
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local t = json.decode('{"a":1,"b":2,"a":3}')
        t.b = 0
        request.body = t.a == 3 and t
    end,
}
