-- SPDX-License-Identifier: MIT
-- An error that is a function: where it lies is not told.
-- outcome: script_error
-- reason: raised a function value$
return {
    api = 1,
    transform = function()
        error(print)
    end,
}
