-- SPDX-License-Identifier: MIT
-- A handler that calls what failed.
-- outcome: script_timeout or script_error
-- reason: stopped after|stack overflow
return {
    api = 1,
    transform = function()
        local function again()
            while not pcall(again) do end
            return again()
        end
        again()
    end,
}
