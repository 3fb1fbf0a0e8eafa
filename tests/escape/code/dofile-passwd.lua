-- SPDX-License-Identifier: MIT
-- A file of the machine, run as a script.
-- outcome: script_error
-- reason: attempt to call a nil value \(global 'dofile'\)
return {
    api = 1,
    transform = function()
        dofile("/etc/passwd")
    end,
}
