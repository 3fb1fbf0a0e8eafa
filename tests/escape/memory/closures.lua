-- SPDX-License-Identifier: MIT
-- Functions without end, each with a variable of its own.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local t = {}
        while true do
            local n = #t
            t[n + 1] = function() n = n + 1 return n end
        end
    end,
}
