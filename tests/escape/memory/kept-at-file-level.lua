-- SPDX-License-Identifier: MIT
-- A little more at each visit; the ceiling is the state's, and a full state is replaced.
-- outcome: delivered
-- outcome: delivered
-- outcome: script_memory
-- outcome: delivered
-- reason: ^$
-- reason: ^$
-- reason: needed more than 16 MiB
-- reason: ^$
-- sends: 1
-- sends: 2
-- sends:
-- sends: 1
-- data: 1
-- data: 2
-- data: 3
-- data: 4
local kept = {}
return {
    api = 1,
    transform = function(request, event)
        kept[#kept + 1] = ("x"):rep(4 << 20) .. event.data
        request.body = tostring(#kept)
    end,
}
