-- SPDX-License-Identifier: MIT
-- table.insert into the table of globals.
-- outcome: script_error
-- reason: cannot set the global '1'
return {
    api = 1,
    transform = function()
        table.insert(_ENV, print)
    end,
}
