-- SPDX-License-Identifier: MIT
-- A million short strings.
-- outcome: script_memory or script_timeout
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
