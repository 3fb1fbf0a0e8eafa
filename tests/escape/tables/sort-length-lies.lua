-- SPDX-License-Identifier: MIT
-- More elements than sort takes.
-- outcome: script_error
-- reason: array too big
return {
    api = 1,
    transform = function()
        table.sort(setmetatable({}, { __len = function() return 1 << 31 end }))
    end,
}
