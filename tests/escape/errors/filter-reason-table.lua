-- SPDX-License-Identifier: MIT
-- A reason that is no string.
-- outcome: script_error
-- reason: returned a reason that is a table
return {
    api = 1,
    filter = function()
        return false, {}
    end,
}
