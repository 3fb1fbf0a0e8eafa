-- SPDX-License-Identifier: MIT
-- A table as address.
-- outcome: script_error
-- reason: request.url must be a string
return {
    api = 1,
    transform = function(request)
        request.url = setmetatable({}, { __tostring = function() return "file:///etc/passwd" end })
    end,
}
