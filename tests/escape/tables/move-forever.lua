-- SPDX-License-Identifier: MIT
-- Nothing moved, for ever: a loop in C that no hook sees.
-- outcome: script_killed
-- reason: did not stop when its time was over
-- host: killed
return {
    api = 1,
    transform = function()
        table.move({}, 1, math.maxinteger - 1, 2, {})
    end,
}
