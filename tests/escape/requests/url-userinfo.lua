-- SPDX-License-Identifier: MIT
-- A name and a password that would go to the target, or hide it.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        request.url = "https://example.com@169.254.169.254/"
    end,
}
