-- SPDX-License-Identifier: MIT
-- A table that is to be large from its first element.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function()
        local t = table.pack(("x"):rep(900000):byte(1, 900000))
        local all = { t }
        while true do
            all[#all + 1] = { table.unpack(t, 1, 200000) }
        end
    end,
}
