-- SPDX-License-Identifier: MIT
-- The stop is caught, again and again.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        while true do
            pcall(function() while true do end end)
        end
    end,
}
