-- SPDX-License-Identifier: MIT
-- table.move whose target wraps around.
-- outcome: script_error
-- reason: destination wrap around
return {
    api = 1,
    transform = function()
        table.move({ 1, 2, 3 }, 1, 3, math.maxinteger - 1)
    end,
}
