-- SPDX-License-Identifier: MIT
-- A path out of lua/.
-- outcome: script_error
-- reason: no module 'grapnel
return {
    api = 1,
    transform = function()
        require "grapnel.../../../../etc/passwd"
    end,
}
