-- SPDX-License-Identifier: MIT
-- Recursion that carries more arguments at each level.
-- outcome: script_error or script_memory
-- reason: .
return {
    api = 1,
    transform = function()
        local function deep(...) return deep(1, ...), 1 end
        deep()
    end,
}
