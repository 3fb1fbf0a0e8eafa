-- SPDX-License-Identifier: MIT
-- Functions that share upvalues, which stay open.
-- outcome: script_memory or script_error
-- reason: .
return {
    api = 1,
    transform = function()
        local function chain(f)
            local a, b, c = f, {}, {}
            return chain(function() return a, b, c end)
        end
        chain(print)
    end,
}
