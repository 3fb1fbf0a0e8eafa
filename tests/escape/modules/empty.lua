-- SPDX-License-Identifier: MIT
-- No name at all.
-- outcome: script_error
-- reason: no module
return {
    api = 1,
    transform = function()
        require "grapnel."
    end,
}
