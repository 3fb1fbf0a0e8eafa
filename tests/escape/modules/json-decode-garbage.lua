-- SPDX-License-Identifier: MIT
-- Text that is no JSON, of every kind.
-- outcome: delivered
-- sends: 9
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local n = 0
        for _, text in ipairs({ "", "{", "[1,]", '"\\u12', '{"a":1,}', "\0", "[1]\0", "nul", "\xff" }) do
            local value, message = json.decode(text)
            n = n + (value == nil and type(message) == "string" and 1 or 0)
        end
        request.body = tostring(n)
    end,
}
