-- SPDX-License-Identifier: MIT
-- The same for lua-cjson, whose buffer no ceiling counts.
-- outcome: script_killed or script_error
-- host: either
-- reason: .
return {
    api = 1,
    transform = function(request)
        local t = { 1 }
        for _ = 1, 40 do
            t = { t, t }
        end
        request.body = require("cjson").encode(t)
    end,
}
