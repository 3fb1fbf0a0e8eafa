-- SPDX-License-Identifier: MIT
-- The event of an earlier visit, which nobody looked at: it is the one that is there now.
-- outcome: delivered
-- outcome: delivered
-- sends: 1
-- sends: 2
-- data: 1
-- data: 2
local kept
return {
    api = 1,
    transform = function(request, event)
        request.body = kept and tostring(kept.data) or "1"
        kept = event
    end,
}
