-- SPDX-License-Identifier: MIT
-- A value that ends early for C.
-- outcome: script_error
-- reason: X-A
return {
    api = 1,
    transform = function(request)
        request.headers["X-A"] = "a\0b"
    end,
}
