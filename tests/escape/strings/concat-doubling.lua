-- SPDX-License-Identifier: MIT
-- A string that doubles.
-- outcome: script_memory
-- reason: needed more than 16 MiB
return {
    api = 1,
    transform = function()
        local s = "x"
        while true do
            s = s .. s
        end
    end,
}
