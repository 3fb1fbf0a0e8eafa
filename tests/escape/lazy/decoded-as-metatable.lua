-- SPDX-License-Identifier: MIT
-- Decoded tables as each other's metatables.
-- outcome: delivered
-- sends: {"x":1}
-- data: {"a":{"__index":{"y":2}},"b":{"x":1}}
return {
    api = 1,
    transform = function(request, event)
        setmetatable(event.data.b, event.data.a)
        request.body = event.data.b.y == 2 and event.data.b
    end,
}
