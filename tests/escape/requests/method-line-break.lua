-- SPDX-License-Identifier: MIT
-- A method with a request behind it.
-- outcome: script_error
-- reason: request.method must be POST, PUT or PATCH
return {
    api = 1,
    transform = function(request)
        request.method = "POST / HTTP/1.1\r\nX: y"
    end,
}
