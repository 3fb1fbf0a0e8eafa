-- SPDX-License-Identifier: MIT
-- A global, for others to find.
-- outcome: script_error
-- reason: cannot set the global 'leak': write local leak
return {
    api = 1,
    transform = function()
        leak = "x"
    end,
}
