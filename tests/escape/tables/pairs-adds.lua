-- SPDX-License-Identifier: MIT
-- A table that grows while it is walked.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local t = { a = 1 }
        local n = 0
        for key in pairs(t) do
            n = n + 1
            if n > 1000 then error("pairs never ends") end
            t[key .. n] = n
        end
        request.body = "ends"
    end,
}
