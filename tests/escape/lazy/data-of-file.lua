-- SPDX-License-Identifier: MIT
-- What is decoded at file level stays, and is no way from one visit to the next document.
-- outcome: delivered
-- outcome: delivered
-- sends: {"a":[1.50],"n":1}
-- sends: {"a":[1.50],"n":2}
-- data: 1
-- data: 2
local json = require "grapnel.json"
local kept = json.decode('{"a":[1.50],"n":0}')
return {
    api = 1,
    transform = function(request, event)
        kept.n = event.data
        request.body = kept
    end,
}
