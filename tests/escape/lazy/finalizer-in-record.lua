-- SPDX-License-Identifier: MIT
-- A finalizer in the metatable of events: each later event would run it, without a hook.
-- outcome: script_error
-- reason: attempt to index a nil value
-- data: 1
-- data: 2
-- data: 3
return {
    api = 1,
    transform = function(request, event)
        getmetatable(event).__gc = function() while true do end end
    end,
}
