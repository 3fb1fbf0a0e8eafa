-- SPDX-License-Identifier: MIT
-- Arguments that grow.
-- outcome: script_memory or script_error or script_timeout
-- reason: .
return {
    api = 1,
    transform = function()
        local function double(...)
            return double(..., ...)
        end
        local function grow(n, ...)
            return grow(n + 1, n, n, n, n, n, n, n, n, ...)
        end
        pcall(double, 1)
        grow(1)
    end,
}
