-- SPDX-License-Identifier: MIT
-- A decoded table as metatable, whose members are not read yet.
-- outcome: script_error
-- reason: setmetatable: __gc is not available
-- data: {"__gc":true}
return {
    api = 1,
    transform = function(request, event)
        setmetatable({}, event.data)
    end,
}
