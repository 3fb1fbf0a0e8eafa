-- SPDX-License-Identifier: MIT
-- A layout that makes sixteen megabytes.
-- outcome: script_memory or script_error
-- reason: .
return {
    api = 1,
    transform = function(request)
        request.body = require("grapnel.time").format(0, ("%F"):rep(4 << 20))
    end,
}
