-- SPDX-License-Identifier: MIT
-- The error that a stop raises, raised by the script.
-- outcome: script_error
-- reason: stopped
return {
    api = 1,
    transform = function()
        error("stopped", 0)
    end,
}
