-- SPDX-License-Identifier: MIT
-- Iterators that are made of iterators.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function()
        local function walk(t)
            for _ in pairs(setmetatable({}, { __pairs = walk })) do
                return t
            end
        end
        walk({})
    end,
}
