-- SPDX-License-Identifier: MIT
-- Stopped once; the next visit finds a fresh state.
-- outcome: script_timeout
-- outcome: delivered
-- reason: stopped after
-- reason: ^$
-- sends:
-- sends: 1
-- data: true
-- data: false
local visits = 0
return {
    api = 1,
    transform = function(request, event)
        visits = visits + 1
        while event.data do end
        request.body = tostring(visits)
    end,
}
