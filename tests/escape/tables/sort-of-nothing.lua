-- SPDX-License-Identifier: MIT
-- Two thousand million elements that are all made when they are asked for.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        table.sort(setmetatable({}, {
            __len = function() return (1 << 31) - 2 end,
            __index = function() return 1 end,
            __newindex = function() end,
        }))
    end,
}
