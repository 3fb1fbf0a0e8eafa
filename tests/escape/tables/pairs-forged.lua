-- SPDX-License-Identifier: MIT
-- __pairs that never ends.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        for _ in pairs(setmetatable({}, { __pairs = function() return function() return 1 end end })) do
            request.body = "x"
        end
    end,
}
