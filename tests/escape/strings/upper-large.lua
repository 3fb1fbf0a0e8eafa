-- SPDX-License-Identifier: MIT
-- Copies of a string near the ceiling.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function(request)
        local s = ("x"):rep(9 << 20)
        request.body = s:upper():lower():reverse()
    end,
}
