-- SPDX-License-Identifier: MIT
-- Ends otherwise than it says.
-- outcome: script_memory
-- reason: .
return {
    api = 1,
    transform = function()
        error("not memory")
    end,
}
