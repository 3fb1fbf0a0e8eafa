-- SPDX-License-Identifier: MIT
-- The same in a filter.
-- outcome: script_timeout
-- reason: in filter of loop-in-filter@
return {
    api = 1,
    filter = function()
        repeat until false
    end,
}
