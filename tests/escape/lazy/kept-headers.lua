-- SPDX-License-Identifier: MIT
-- The headers of an earlier visit are this visit's: there is one such table.
-- outcome: delivered
-- outcome: delivered
-- header: X-Kept=2
-- sends: x
-- data: 1
-- data: 2
local kept
return {
    api = 1,
    transform = function(request, event)
        kept = kept or request.headers
        kept["X-Kept"] = "2"
        request.body = event and "x"
    end,
}
