-- SPDX-License-Identifier: MIT
-- next of one table with the memory of another.
-- outcome: script_error
-- reason: invalid key to 'next'
return {
    api = 1,
    transform = function()
        local a, b = { x = 1, y = 2 }, { p = 1, q = 2 }
        local key = next(a)
        next(b, key)
    end,
}
