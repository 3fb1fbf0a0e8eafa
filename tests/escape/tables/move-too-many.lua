-- SPDX-License-Identifier: MIT
-- A range whose length does not fit.
-- outcome: script_error
-- reason: too many elements to move
return {
    api = 1,
    transform = function()
        table.move({}, math.mininteger, math.maxinteger, 1)
    end,
}
