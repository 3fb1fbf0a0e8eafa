-- SPDX-License-Identifier: MIT
-- A table that is its own __call: Lua looks for a function for ever, in C.
-- outcome: script_killed
-- host: killed
-- reason: did not stop when its time was over
return {
    api = 1,
    transform = function()
        local t = setmetatable({}, {})
        getmetatable(t).__call = t
        t()
    end,
}
