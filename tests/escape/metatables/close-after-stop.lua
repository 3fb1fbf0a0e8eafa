-- SPDX-License-Identifier: MIT
-- What is to be closed when a loop is stopped.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        local mt = {}
        local t = setmetatable({}, mt)
        mt.__close = function() while true do end end
        local x <close> = t
        while true do
            request.body = tostring(x)
        end
    end,
}
