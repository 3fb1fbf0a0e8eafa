-- SPDX-License-Identifier: MIT
-- A file by its path.
-- outcome: script_error
-- reason: no module
return {
    api = 1,
    transform = function()
        require "/etc/passwd"
    end,
}
