-- SPDX-License-Identifier: MIT
-- A line break in the name.
-- outcome: script_error
-- reason: header
return {
    api = 1,
    transform = function(request)
        request.headers["X-A: b\r\nX-B"] = "b"
    end,
}
