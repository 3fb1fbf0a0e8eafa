-- SPDX-License-Identifier: MIT
-- The request, when the answer is there.
-- outcome: delivered
-- reason: of an earlier visit|in transform and sign only
-- sends: x
local kept
return {
    api = 1,
    transform = function(request)
        kept = request
        request.body = "x"
    end,
    response = function() kept.body = "y" end,
}
