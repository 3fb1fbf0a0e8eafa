-- SPDX-License-Identifier: MIT
-- Tables without end.
-- outcome: script_memory
-- reason: needed more than 16 MiB in transform of tables@
return {
    api = 1,
    transform = function()
        local t = {}
        while true do
            t[#t + 1] = {}
        end
    end,
}
