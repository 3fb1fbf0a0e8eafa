-- SPDX-License-Identifier: MIT
-- A table with the metatable of a decoded one.
-- outcome: script_error
-- reason: bad argument #2 to 'setmetatable'|nil or table|attempt to index
return {
    api = 1,
    transform = function(request, event)
        local forged = setmetatable({}, getmetatable(event.data) or 1)
        request.body = forged
    end,
}
