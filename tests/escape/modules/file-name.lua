-- SPDX-License-Identifier: MIT
-- A file of lua/ with its ending.
-- outcome: script_error
-- reason: no module 'grapnel
return {
    api = 1,
    transform = function()
        require "grapnel.README.md"
    end,
}
