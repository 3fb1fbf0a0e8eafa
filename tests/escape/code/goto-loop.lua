-- SPDX-License-Identifier: MIT
-- A loop of nothing but a jump.
-- outcome: script_timeout
-- reason: stopped after .* line \d+
return {
    api = 1,
    transform = function()
        ::again::
        goto again
    end,
}
