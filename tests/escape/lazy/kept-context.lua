-- SPDX-License-Identifier: MIT
-- The ctx of an earlier visit, which nobody looked at: it is the one that is there now.
-- outcome: delivered
-- outcome: delivered
-- sends: 1
-- sends: table
-- data: 1
-- data: 2
local kept
return {
    api = 1,
    transform = function(request, _, ctx)
        request.body = kept and tostring(kept.options) or "1"
        kept = ctx
    end,
}
