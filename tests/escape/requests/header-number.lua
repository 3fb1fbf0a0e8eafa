-- SPDX-License-Identifier: MIT
-- A value that is no string.
-- outcome: script_error
-- reason: number
return {
    api = 1,
    transform = function(request)
        request.headers["X-A"] = 17
    end,
}
