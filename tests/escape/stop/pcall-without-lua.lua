-- SPDX-License-Identifier: MIT
-- A loop that is hardly more than pcall.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        repeat until pcall(error)
    end,
}
