-- SPDX-License-Identifier: MIT
-- The chunk's _ENV replaced by a table: globals of its own, for itself.
-- outcome: delivered
-- sends: 1
-- sends: 1
-- data: 1
-- data: 2
local say = tostring
return {
    api = 1,
    transform = function(request)
        local globals = _ENV
        _ENV = { count = 0 }
        count = count + 1
        request.body = say(count)
        _ENV = globals
    end,
}
