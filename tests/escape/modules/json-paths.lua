-- SPDX-License-Identifier: MIT
-- Paths that lead nowhere.
-- outcome: delivered
-- sends: 7
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local n = 0
        for _, path in ipairs({ "", ".", "a..b", ("a."):rep(100) .. "a", ("x"):rep(5000), "a\\", "*" }) do
            n = n + (pcall(json.get, { a = 1 }, path) and 0 or 1)
        end
        request.body = tostring(n)
    end,
}
