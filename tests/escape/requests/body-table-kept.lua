-- SPDX-License-Identifier: MIT
-- The body's table, changed when its bytes are made.
-- outcome: delivered
-- sends: {"a":1}
local kept
return {
    api = 1,
    transform = function(request)
        kept = { a = 1 }
        request.body = kept
    end,
    sign = function(request)
        kept.a = 2
        if request.body ~= '{"a":1}' then error("other bytes") end
    end,
}
