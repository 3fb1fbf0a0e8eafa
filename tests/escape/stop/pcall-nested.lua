-- SPDX-License-Identifier: MIT
-- Pcalls around pcalls.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function()
        local function guard(n)
            while true do
                if n > 0 then
                    pcall(guard, n - 1)
                end
            end
        end
        guard(50)
    end,
}
