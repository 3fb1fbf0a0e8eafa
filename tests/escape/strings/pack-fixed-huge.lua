-- SPDX-License-Identifier: MIT
-- A fixed size beyond the ceiling.
-- outcome: script_memory
-- reason: needed more than
return {
    api = 1,
    transform = function(request)
        request.body = string.pack("c1000000000", "x")
    end,
}
