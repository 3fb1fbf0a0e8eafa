-- SPDX-License-Identifier: MIT
-- Null as body.
-- outcome: script_error
-- reason: request.body is null
return {
    api = 1,
    transform = function(request)
        request.body = require("grapnel.json").null
    end,
}
