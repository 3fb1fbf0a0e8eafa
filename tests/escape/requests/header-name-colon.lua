-- SPDX-License-Identifier: MIT
-- A name that is a whole header.
-- outcome: script_error
-- reason: header
return {
    api = 1,
    transform = function(request)
        request.headers["X-A: b;"] = ""
    end,
}
