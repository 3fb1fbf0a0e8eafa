-- SPDX-License-Identifier: MIT
-- Fails by another error than it says.
-- outcome: script_error
-- reason: something else
return {
    api = 1,
    transform = function()
        error("this")
    end,
}
