-- SPDX-License-Identifier: MIT
-- Endless under sort under pcall.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        while true do
            pcall(table.sort, { 3, 2, 1 }, function() while true do end end)
        end
    end,
}
