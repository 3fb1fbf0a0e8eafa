-- SPDX-License-Identifier: MIT
-- What makes an event fill itself is shared by all events, and trusts what it is called with.
-- outcome: script_error
-- reason: attempt to index a nil value
return {
    api = 1,
    transform = function(request, event)
        getmetatable(event).__index = function() return "forged" end
    end,
}
