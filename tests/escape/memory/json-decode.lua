-- SPDX-License-Identifier: MIT
-- Documents without end: what they hold outside of Lua is counted.
-- outcome: script_memory or script_timeout or script_killed
-- host: either
-- reason: .
return {
    api = 1,
    transform = function()
        local json = require "grapnel.json"
        local all, source = {}, "[" .. ("1,"):rep(10000) .. "1]"
        while true do
            all[#all + 1] = json.decode(source .. (" "):rep(#all % 100))
        end
    end,
}
