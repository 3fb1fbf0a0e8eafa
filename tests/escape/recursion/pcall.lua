-- SPDX-License-Identifier: MIT
-- A function that calls itself through pcall.
-- outcome: script_error
-- reason: ^pcall.lua:8: pcall.lua:8:
return {
    api = 1,
    transform = function()
        local function deep() return assert(pcall(deep)) end
        local ok, message = pcall(deep)
        error(ok and "no error" or message, 0)
    end,
}
