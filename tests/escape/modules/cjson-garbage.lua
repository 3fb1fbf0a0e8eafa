-- SPDX-License-Identifier: MIT
-- Text that is no JSON.
-- outcome: delivered
-- sends: 8
return {
    api = 1,
    transform = function(request)
        local cjson = require "cjson"
        local n = 0
        for _, text in ipairs({ "", "{", "[1,", '"\\u12', '"\\ud800"', "\0", "[1]\0", "nul", "\xff" }) do
            n = n + (pcall(cjson.decode, text) and 0 or 1)
        end
        request.body = tostring(n)
    end,
}
