-- SPDX-License-Identifier: MIT
-- Endless in a function that a module calls.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local text = require "grapnel.text"
        while true do
            pcall(text.template, "{{n}}", { n = 1 }, function() while true do end end)
        end
    end,
}
