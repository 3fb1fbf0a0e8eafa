-- SPDX-License-Identifier: MIT
-- A comparator that sorts.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function()
        local function compare()
            table.sort({ 1, 2, 3 }, compare)
        end
        compare()
    end,
}
