-- SPDX-License-Identifier: MIT
-- A decoded table that was kept from an earlier visit shows the metatable that all have.
-- outcome: delivered
-- outcome: script_error
-- reason: ^$
-- reason: attempt to index a nil value
-- sends: kept
-- data: {"a":{"b":1}}
-- data: {"a":{"b":1}}
local kept
return {
    api = 1,
    transform = function(request, event)
        if kept then
            getmetatable(kept).__gc = function() while true do end end
            error("it is there: " .. type(event.data.a))
        end
        kept = event.data
        request.body = "kept"
    end,
}
