-- SPDX-License-Identifier: MIT
-- A collector that is stopped, or made to run at the wrong time (CVE-2025-49844).
-- outcome: script_error
-- reason: attempt to call a nil value \(global 'collectgarbage'\)
return {
    api = 1,
    transform = function()
        collectgarbage("stop")
    end,
}
