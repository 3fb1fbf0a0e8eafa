-- SPDX-License-Identifier: MIT
-- An endless function under gsub under pcall, again and again.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        while true do
            pcall(string.gsub, ("x"):rep(1000), "x", function() while true do end end)
        end
    end,
}
