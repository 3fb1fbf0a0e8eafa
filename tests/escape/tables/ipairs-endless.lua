-- SPDX-License-Identifier: MIT
-- ipairs over a table that always has one more.
-- outcome: script_timeout
-- reason: stopped after
return {
    api = 1,
    transform = function(request)
        for _ in ipairs(setmetatable({}, { __index = function() return 1 end })) do
            request.body = "x"
        end
    end,
}
