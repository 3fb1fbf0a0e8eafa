-- SPDX-License-Identifier: MIT
-- next with a key that the table does not have.
-- outcome: script_error
-- reason: invalid key to 'next'
return {
    api = 1,
    transform = function()
        next({ a = 1 }, "b")
    end,
}
