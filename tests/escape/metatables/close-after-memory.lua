-- SPDX-License-Identifier: MIT
-- What is to be closed when memory is at its end.
-- outcome: script_memory or script_timeout or script_killed
-- host: either
-- reason: .
return {
    api = 1,
    transform = function()
        local mt = {}
        local t = setmetatable({}, mt)
        mt.__close = function() while true do end end
        local all = {}
        local x <close> = t
        while true do
            all[#all + 1] = { x }
        end
    end,
}
