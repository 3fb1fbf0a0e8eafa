-- SPDX-License-Identifier: MIT
-- A name that ends early for C, and not for Lua.
-- outcome: script_error
-- reason: no module 'grapnel.json
return {
    api = 1,
    transform = function()
        require "grapnel.json\0.evil"
    end,
}
