-- SPDX-License-Identifier: MIT
-- A graph of forty tables that is a tree with a million million leaves.
-- outcome: script_error or script_timeout
-- reason: too much output|stopped
return {
    api = 1,
    transform = function(request)
        local t = { 1 }
        for _ = 1, 40 do
            t = { t, t }
        end
        request.body = t
    end,
}
