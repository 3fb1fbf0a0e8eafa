-- SPDX-License-Identifier: MIT
-- Where an error says that it is: outside of the script.
-- outcome: script_error
-- reason: gone
return {
    api = 1,
    transform = function()
        error("gone", 1 << 40)
    end,
}
