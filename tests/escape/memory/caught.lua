-- SPDX-License-Identifier: MIT
-- What did not fit is caught, again and again; the host lives on.
-- outcome: delivered
-- sends: ends
return {
    api = 1,
    transform = function(request)
        local all = {}
        for i = 1, 50 do
            all[i % 3] = pcall(string.rep, "x", 17 << 20)
        end
        request.body = "ends"
    end,
}
