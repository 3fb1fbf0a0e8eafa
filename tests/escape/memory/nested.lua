-- SPDX-License-Identifier: MIT
-- A table in a table in a table.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local t = {}
        while true do
            t = { t, {} }
        end
    end,
}
