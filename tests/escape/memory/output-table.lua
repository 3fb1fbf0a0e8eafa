-- SPDX-License-Identifier: MIT
-- The same as a table.
-- outcome: script_error
-- reason: too much output
return {
    api = 1,
    transform = function(request)
        local t = {}
        for i = 1, 60 do
            t[i] = ("\0"):rep(30000)
        end
        request.body = { t, t, t }
    end,
}
