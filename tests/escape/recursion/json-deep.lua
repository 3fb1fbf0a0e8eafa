-- SPDX-License-Identifier: MIT
-- A table that is deeper than JSON may be.
-- outcome: script_error
-- reason: deeper than 64 levels
return {
    api = 1,
    transform = function(request)
        local t = {}
        for _ = 1, 100000 do
            t = { t }
        end
        request.body = t
    end,
}
