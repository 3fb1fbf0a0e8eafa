-- SPDX-License-Identifier: MIT
-- Text that is deeper than JSON may be.
-- outcome: delivered
-- sends: nil
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local value, message = json.decode(("["):rep(100000) .. ("]"):rep(100000))
        request.body = message and tostring(value) or "no message"
    end,
}
