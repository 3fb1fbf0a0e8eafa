-- SPDX-License-Identifier: MIT
-- A finalizer that comes into the metatable later: Lua does not look again.
-- outcome: delivered
-- sends: alive
return {
    api = 1,
    transform = function(request)
        local mt = {}
        for _ = 1, 1000 do
            setmetatable({}, mt)
        end
        mt.__gc = function() while true do end end
        for i = 1, 50000 do
            mt[i] = {}
        end
        request.body = "alive"
    end,
}
