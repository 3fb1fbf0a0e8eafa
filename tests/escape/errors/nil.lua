-- SPDX-License-Identifier: MIT
-- An error that is nothing.
-- outcome: script_error
-- reason: raised a nil value
return {
    api = 1,
    transform = function()
        error(nil)
    end,
}
