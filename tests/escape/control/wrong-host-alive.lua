-- SPDX-License-Identifier: MIT
-- Says that its host is killed, and it lives.
-- outcome: script_error
-- host: killed
-- reason: .
return {
    api = 1,
    transform = function()
        error("alive")
    end,
}
