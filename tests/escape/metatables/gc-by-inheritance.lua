-- SPDX-License-Identifier: MIT
-- A finalizer that the metatable's own metatable would give.
-- outcome: delivered
-- sends: alive
return {
    api = 1,
    transform = function(request)
        local mt = setmetatable({}, { __index = function() return function() while true do end end end })
        for _ = 1, 1000 do
            setmetatable({}, mt)
        end
        local t = {}
        for i = 1, 50000 do
            t[i] = {}
        end
        request.body = "alive"
    end,
}
