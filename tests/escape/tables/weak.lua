-- SPDX-License-Identifier: MIT
-- Weak tables while memory is short: entries go, nothing else.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local weak = setmetatable({}, { __mode = "kv" })
        for i = 1, 20000 do
            weak[{}] = {}
            weak[i] = { i }
        end
        for _, value in ipairs(weak) do
            if type(value) ~= "table" then error("a dead value") end
        end
        request.body = "ends"
    end,
}
