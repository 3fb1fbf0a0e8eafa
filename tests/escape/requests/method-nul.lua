-- SPDX-License-Identifier: MIT
-- A method that ends early for C.
-- outcome: script_error
-- reason: request.method must be POST, PUT or PATCH
return {
    api = 1,
    transform = function(request)
        request.method = "POST\0"
    end,
}
