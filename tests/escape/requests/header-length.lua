-- SPDX-License-Identifier: MIT
-- Another length: a request in the request.
-- outcome: script_error
-- reason: (?i)content-length
return {
    api = 1,
    transform = function(request)
        request.headers["Content-Length"] = "0"
    end,
}
