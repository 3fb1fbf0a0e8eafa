-- SPDX-License-Identifier: MIT
-- Shows an address in an error.
-- outcome: script_error
-- reason: .
return {
    api = 1,
    transform = function()
        error("table: 0x55d0c0ffee12")
    end,
}
