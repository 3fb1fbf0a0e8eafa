-- SPDX-License-Identifier: MIT
-- NaN as a key.
-- outcome: script_error
-- reason: index is NaN
return {
    api = 1,
    transform = function()
        local t = {}
        t[0 / 0] = 1
    end,
}
