-- SPDX-License-Identifier: MIT
-- json.copy of it: a loop in C that looks whether it is to stop.
-- outcome: script_timeout or script_error
-- reason: .
return {
    api = 1,
    transform = function(request)
        local t = { 1 }
        for _ = 1, 40 do
            t = { t, t }
        end
        request.body = require("grapnel.json").copy(t)
    end,
}
