-- SPDX-License-Identifier: MIT
-- The same in __newindex.
-- outcome: script_error
-- reason: '__newindex' chain too long; possible loop
return {
    api = 1,
    transform = function()
        local a, b = {}, {}
        setmetatable(a, { __newindex = b })
        setmetatable(b, { __newindex = a })
        a.x = 1
    end,
}
