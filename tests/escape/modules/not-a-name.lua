-- SPDX-License-Identifier: MIT
-- A name that is a table.
-- outcome: script_error
-- reason: bad argument #1 to 'require'
return {
    api = 1,
    transform = function()
        require({})
    end,
}
