-- SPDX-License-Identifier: MIT
-- One subtree at two places, changed at one: it is one table.
-- outcome: delivered
-- sends: {"x":{"b":2},"y":{"b":2}}
-- data: {"a":{"b":1}}
return {
    api = 1,
    transform = function(request, event)
        local a = event.data.a
        request.body = { x = a, y = a }
        a.b = 2
    end,
}
