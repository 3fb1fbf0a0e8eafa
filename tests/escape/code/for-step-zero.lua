-- SPDX-License-Identifier: MIT
-- A step of nothing.
-- outcome: script_error
-- reason: 'for' step is zero
return {
    api = 1,
    transform = function()
        for i = 1, 2, 0 do
            print(i)
        end
    end,
}
