-- SPDX-License-Identifier: MIT
-- Calls without a stack.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local function again(n) return again(n + 1) end
        again(1)
    end,
}
