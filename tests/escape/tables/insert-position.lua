-- SPDX-License-Identifier: MIT
-- Inserting far outside.
-- outcome: script_error
-- reason: position out of bounds
return {
    api = 1,
    transform = function()
        table.insert({ 1, 2, 3 }, math.mininteger, 4)
    end,
}
