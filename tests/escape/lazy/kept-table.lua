-- SPDX-License-Identifier: MIT
-- A decoded table that was kept from an earlier visit, and never read.
-- outcome: delivered
-- outcome: script_error
-- reason: ^$
-- reason: a decoded table was kept from an earlier visit
-- sends: 1
-- data: {"a":{"b":1},"n":1}
-- data: {"a":{"b":2},"n":2}
local kept
return {
    api = 1,
    transform = function(request, event)
        request.body = kept and tostring(kept.b) or "1"
        kept = event.data.a
    end,
}
