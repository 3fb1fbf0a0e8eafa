-- SPDX-License-Identifier: MIT
-- The same, caught.
-- at: save
-- outcome: refused
-- options: {"a":"x"}
-- reason: .
return {
    api = 1,
    options = {
        a = {
            type = "string",
            check = function()
                while true do
                    pcall(function() while true do end end)
                end
            end,
        },
    },
    filter = function() return true end,
}
