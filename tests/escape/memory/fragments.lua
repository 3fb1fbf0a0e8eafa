-- SPDX-License-Identifier: MIT
-- Strings of all sizes, every second one let go.
-- outcome: script_timeout or script_memory
-- reason: .
return {
    api = 1,
    transform = function()
        local t = {}
        for i = 1, math.huge do
            t[i % 3000] = ("x"):rep(i % 4001)
        end
    end,
}
