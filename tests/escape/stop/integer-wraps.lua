-- SPDX-License-Identifier: MIT
-- A counter that wraps around.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local i = math.maxinteger - 5
        while i ~= 0 do
            i = i + 1
            if i == -1 then i = math.maxinteger end
        end
    end,
}
