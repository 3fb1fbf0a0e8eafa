-- SPDX-License-Identifier: MIT
-- Null is one and the same.
-- outcome: delivered
-- sends: true true
return {
    api = 1,
    transform = function(request)
        local cjson, json = require "cjson", require "grapnel.json"
        request.body = ("%s %s"):format(cjson.null == json.null, cjson.decode("[null]")[1] == json.null)
    end,
}
