-- SPDX-License-Identifier: MIT
-- A module's function, replaced for all who come later.
-- outcome: script_error
-- reason: grapnel.json is read-only: cannot set 'encode'
return {
    api = 1,
    transform = function()
        require("grapnel.json").encode = function() return "leak" end
    end,
}
