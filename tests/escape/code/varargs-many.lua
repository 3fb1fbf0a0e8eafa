-- SPDX-License-Identifier: MIT
-- More arguments than the stack holds.
-- outcome: script_memory
-- reason: needed more than 16 MiB
return {
    api = 1,
    transform = function()
        local t = {}
        for i = 1, 300000 do
            t[i] = i
        end
        for i = 1, 5 do
            table.move(t, 1, #t, #t + 1)
            print(select("#", table.unpack(t)), i)
        end
    end,
}
