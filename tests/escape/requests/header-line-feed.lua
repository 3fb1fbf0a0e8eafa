-- SPDX-License-Identifier: MIT
-- The same with a line feed alone.
-- outcome: script_error
-- reason: X-A
return {
    api = 1,
    transform = function(request)
        request.headers["X-A"] = "a\nX-B: b"
    end,
}
