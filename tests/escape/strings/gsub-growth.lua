-- SPDX-License-Identifier: MIT
-- Each round makes the string four times as long.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local s = "x"
        while true do
            s = s:gsub(".+", "%0%0%0%0")
        end
    end,
}
