-- SPDX-License-Identifier: MIT
-- table.move writes through __newindex.
-- outcome: script_error
-- reason: string is read-only: cannot set '1'
return {
    api = 1,
    transform = function()
        table.move({ print }, 1, 1, 1, string)
    end,
}
