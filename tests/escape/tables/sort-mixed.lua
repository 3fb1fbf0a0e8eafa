-- SPDX-License-Identifier: MIT
-- What has no order.
-- outcome: script_error
-- reason: attempt to compare
return {
    api = 1,
    transform = function()
        table.sort({ 1, "a", {}, print })
    end,
}
