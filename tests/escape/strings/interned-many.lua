-- SPDX-License-Identifier: MIT
-- A million short strings.
-- outcome: script_memory or script_timeout or script_killed
-- host: either
-- reason: .
return {
    api = 1,
    transform = function()
        local t = {}
        for i = 1, 10000000 do
            t[i] = "s" .. i
        end
    end,
}
