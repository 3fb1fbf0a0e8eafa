-- SPDX-License-Identifier: MIT
-- What is no time.
-- outcome: delivered
-- sends: nil nil nil nil
return {
    api = 1,
    transform = function(request)
        local time = require "grapnel.time"
        request.body = ("%s %s %s %s"):format((time.parse("")), (time.parse(("9"):rep(100000))),
            (time.parse("2026-02-30T00:00:00Z")), (time.parse("2026-01-01T00:00:00Z\0")))
    end,
}
