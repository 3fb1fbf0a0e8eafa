-- SPDX-License-Identifier: MIT
-- table.concat of a table that always has one more.
-- outcome: script_timeout or script_memory
-- reason: .
return {
    api = 1,
    transform = function(request)
        local t = setmetatable({}, { __index = function() return "" end })
        request.body = table.concat(t, "", 1, 1 << 50)
    end,
}
