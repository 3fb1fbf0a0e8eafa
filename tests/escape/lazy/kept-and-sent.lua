-- SPDX-License-Identifier: MIT
-- The same, sent as a whole.
-- outcome: delivered
-- outcome: script_error
-- reason: ^$
-- reason: kept from an earlier visit
-- sends: {"a":{"b":1}}
-- data: {"a":{"b":1}}
-- data: {"a":{"b":2}}
local kept
return {
    api = 1,
    transform = function(request, event)
        kept = kept or event.data
        request.body = kept
    end,
}
