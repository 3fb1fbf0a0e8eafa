-- SPDX-License-Identifier: MIT
-- Two hundred thousand results of a function.
-- outcome: script_error or script_memory
-- reason: a reason that is|needed more
return {
    api = 1,
    filter = function()
        local t = {}
        for i = 1, 200000 do
            t[i] = true
        end
        return false, table.unpack(t)
    end,
}
