-- SPDX-License-Identifier: MIT
-- An endless loop.
-- outcome: script_timeout
-- reason: stopped after \d+ ms of CPU in transform of loop@[0-9a-f]{8}, line \d+
return {
    api = 1,
    transform = function()
        while true do end
    end,
}
