-- SPDX-License-Identifier: MIT
-- A step that is too small to move the counter.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        local x = 0
        for i = 2.0 ^ 60, 2.0 ^ 61, 1e-300 do
            x = i
        end
        request.body = tostring(x)
    end,
}
