-- SPDX-License-Identifier: MIT
-- A length that lies: all of it would have to move.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function()
        table.insert(setmetatable({}, { __len = function() return 1 << 53 end }), 1, "x")
    end,
}
