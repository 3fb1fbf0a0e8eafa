-- SPDX-License-Identifier: MIT
-- __tostring that answers no string.
-- outcome: script_error
-- reason: '__tostring' must return a string
return {
    api = 1,
    transform = function(request)
        request.body = tostring(setmetatable({}, { __tostring = function() return {} end }))
    end,
}
