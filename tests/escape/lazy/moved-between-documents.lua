-- SPDX-License-Identifier: MIT
-- Parts of four documents in one body.
-- outcome: delivered
-- sends: {"a":{"n":1.5},"b":[12345678901234567890],"c":{"z":[]},"d":"é"}
-- data: {"n":1.5}
return {
    api = 1,
    transform = function(request, event)
        local json = require "grapnel.json"
        request.body = {
            a = event.data,
            b = json.decode("[12345678901234567890]"),
            c = json.decode('{"z":[]}'),
            d = json.decode('["é"]')[1],
        }
    end,
}
