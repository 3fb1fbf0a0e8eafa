-- SPDX-License-Identifier: MIT
-- An error that has a name of its own.
-- outcome: script_error
-- reason: raised a table value
return {
    api = 1,
    transform = function()
        error(setmetatable({}, { __name = "stack overflow\r\nforged" }))
    end,
}
