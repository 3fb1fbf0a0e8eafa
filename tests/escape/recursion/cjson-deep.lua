-- SPDX-License-Identifier: MIT
-- lua-cjson's own recursion.
-- outcome: script_error
-- reason: nested tables|excessive depth|too deep|Cannot serialise
return {
    api = 1,
    transform = function(request)
        local t = {}
        for _ = 1, 100000 do
            t = { t }
        end
        request.body = require("cjson").encode(t)
    end,
}
