-- SPDX-License-Identifier: MIT
-- The same, with nothing of them read and nothing kept.
-- outcome: script_memory or script_timeout or script_killed
-- host: either
-- reason: .
return {
    api = 1,
    transform = function()
        local json = require "grapnel.json"
        local source = "[" .. ("[],"):rep(100000) .. "1]"
        while true do
            json.decode(source)
        end
    end,
}
