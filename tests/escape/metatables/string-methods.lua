-- SPDX-License-Identifier: MIT
-- A method that strings would have from then on, in all scripts.
-- outcome: script_error
-- reason: string is read-only: cannot set 'upper'
return {
    api = 1,
    transform = function()
        string.upper = function() return "leak" end
    end,
}
