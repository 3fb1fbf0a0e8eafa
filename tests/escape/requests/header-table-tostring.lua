-- SPDX-License-Identifier: MIT
-- A value that would become a string when nobody looks.
-- outcome: script_error
-- reason: table
return {
    api = 1,
    transform = function(request)
        request.headers["X-A"] = setmetatable({}, { __tostring = function() return "a\r\nHost: b" end })
    end,
}
