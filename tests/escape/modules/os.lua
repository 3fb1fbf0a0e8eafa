-- SPDX-License-Identifier: MIT
-- A module of Lua's.
-- outcome: script_error
-- reason: no module 'os'
return {
    api = 1,
    transform = function()
        require "os"
    end,
}
