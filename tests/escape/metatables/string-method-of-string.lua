-- SPDX-License-Identifier: MIT
-- The same by a string's own index.
-- outcome: script_error
-- reason: attempt to index a string value
return {
    api = 1,
    transform = function()
        local s = "x"
        s.leak = 1
    end,
}
