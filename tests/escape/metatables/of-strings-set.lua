-- SPDX-License-Identifier: MIT
-- A metatable for strings.
-- outcome: script_error
-- reason: bad argument #1 to 'setmetatable' \(table expected, got string\)
return {
    api = 1,
    transform = function()
        setmetatable("", { __index = function() return print end })
    end,
}
