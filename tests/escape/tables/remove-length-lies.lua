-- SPDX-License-Identifier: MIT
-- table.remove with a length at the end of the integers.
-- outcome: script_error
-- reason: position out of bounds
return {
    api = 1,
    transform = function()
        table.remove(setmetatable({}, { __len = function() return math.maxinteger end }), -5)
    end,
}
