-- SPDX-License-Identifier: MIT
-- A length of which one more does not exist.
-- outcome: script_error
-- reason: wrap around|cannot|.
return {
    api = 1,
    transform = function()
        local t = setmetatable({}, { __len = function() return math.maxinteger end })
        table.insert(t, 1)
        error("length " .. tostring(t[math.mininteger]))
    end,
}
