-- SPDX-License-Identifier: MIT
-- What is to be closed when the stack has overflowed.
-- outcome: script_error or script_timeout or script_memory
-- reason: .
return {
    api = 1,
    transform = function()
        local mt = {}
        local t = setmetatable({}, mt)
        mt.__close = function() while true do end end
        local function deep(n)
            local x <close> = t
            return 1 + deep(n + 1), x
        end
        deep(1)
    end,
}
