-- SPDX-License-Identifier: MIT
-- An address of a megabyte.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        request.url = "https://example.com/" .. ("x"):rep(1 << 20)
    end,
}
