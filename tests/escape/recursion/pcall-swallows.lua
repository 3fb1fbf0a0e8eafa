-- SPDX-License-Identifier: MIT
-- The overflow is caught at each level.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local function deep(n)
            if n > 100000 then return end
            pcall(deep, n + 1)
        end
        pcall(deep, 1)
        request.body = "ends"
    end,
}
