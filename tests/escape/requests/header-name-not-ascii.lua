-- SPDX-License-Identifier: MIT
-- A name that lower case changes.
-- outcome: script_error
-- reason: header
return {
    api = 1,
    transform = function(request)
        request.headers["X-\u{212a}ey"] = "x"
    end,
}
