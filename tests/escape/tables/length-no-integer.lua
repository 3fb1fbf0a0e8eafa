-- SPDX-License-Identifier: MIT
-- A length that is no number.
-- outcome: script_error
-- reason: object length is not an integer
return {
    api = 1,
    transform = function()
        table.insert(setmetatable({}, { __len = function() return "many" end }), 1)
    end,
}
