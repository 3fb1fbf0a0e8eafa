-- SPDX-License-Identifier: MIT
-- Endless in a metamethod that C calls.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local t = setmetatable({}, { __index = function() while true do end end })
        while true do
            pcall(table.concat, t, "", 1, 2)
        end
    end,
}
