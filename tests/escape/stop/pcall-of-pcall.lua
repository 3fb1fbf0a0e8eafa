-- SPDX-License-Identifier: MIT
-- pcall as the function that pcall calls.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local function forever() while true do end end
        while true do
            pcall(pcall, pcall, pcall, forever)
        end
    end,
}
