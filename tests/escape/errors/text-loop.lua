-- SPDX-License-Identifier: MIT
-- An error whose text would never be ready.
-- outcome: script_error
-- reason: raised a table value
return {
    api = 1,
    transform = function()
        error(setmetatable({}, { __tostring = function() while true do end end }))
    end,
}
