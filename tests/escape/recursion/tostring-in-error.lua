-- SPDX-License-Identifier: MIT
-- An error in the middle of making another's text.
-- outcome: script_error
-- reason: stack overflow
return {
    api = 1,
    transform = function()
        local mt = {}
        mt.__tostring = function(t) error(tostring(t)) end
        error(tostring(setmetatable({}, mt)))
    end,
}
