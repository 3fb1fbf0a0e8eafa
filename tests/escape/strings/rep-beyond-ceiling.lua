-- SPDX-License-Identifier: MIT
-- string.rep of what would fit in the machine, and not in the ceiling.
-- outcome: script_memory
-- reason: needed more than 16 MiB
return {
    api = 1,
    transform = function(request)
        request.body = ("x"):rep(64 << 20)
    end,
}
