-- SPDX-License-Identifier: MIT
-- An error of a megabyte: its reason is bounded.
-- outcome: script_error
-- reason: ^error-huge.lua:\d+: x{1,1024}$
return {
    api = 1,
    transform = function()
        error(("x"):rep(1 << 20))
    end,
}
