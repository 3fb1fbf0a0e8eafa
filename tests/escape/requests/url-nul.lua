-- SPDX-License-Identifier: MIT
-- An address that ends early for C.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        request.url = "https://example.com\0.internal/"
    end,
}
