-- SPDX-License-Identifier: MIT
-- The same, put into the metatable later: an endless one is stopped.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        local mt = {}
        local t = setmetatable({}, mt)
        mt.__close = function()
            while true do
                pcall(function() while true do end end)
            end
        end
        do
            local x <close> = t
            request.body = tostring(x)
        end
    end,
}
