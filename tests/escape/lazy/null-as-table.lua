-- SPDX-License-Identifier: MIT
-- Null is no table.
-- outcome: script_error
-- reason: attempt to index null
return {
    api = 1,
    transform = function(request)
        request.body = tostring(require("grapnel.json").null.x)
    end,
}
