-- SPDX-License-Identifier: MIT
-- A request that was kept, in the next visit's filter.
-- outcome: delivered
-- outcome: script_error
-- reason: ^$
-- reason: in transform and sign only|of an earlier visit
-- sends: x
-- data: 1
-- data: 2
local kept
return {
    api = 1,
    filter = function()
        if kept then kept.url = "https://example.com/" end
        return true
    end,
    transform = function(request)
        kept = request
        request.body = "x"
    end,
}
