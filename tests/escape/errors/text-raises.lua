-- SPDX-License-Identifier: MIT
-- An error whose text is an error.
-- outcome: script_error
-- reason: raised a table value
return {
    api = 1,
    transform = function()
        error(setmetatable({}, { __tostring = function() error("again") end }))
    end,
}
