-- SPDX-License-Identifier: MIT
-- A comparator that is always true walks out of the array.
-- outcome: script_error
-- reason: invalid order function|attempt to compare
return {
    api = 1,
    transform = function()
        local t = {}
        for i = 1, 1000 do
            t[i] = i
        end
        table.sort(t, function() return true end)
        for i = 1, 1000 do
            if t[i] == nil then error("invalid order function") end
        end
        error("invalid order function, not noticed")
    end,
}
