-- SPDX-License-Identifier: MIT
-- A function that calls itself.
-- outcome: script_error
-- reason: stack overflow: functions call each other too deeply
return {
    api = 1,
    transform = function()
        local function deep(n) return 1 + deep(n + 1) end
        deep(1)
    end,
}
