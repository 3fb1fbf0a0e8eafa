-- SPDX-License-Identifier: MIT
-- All headers at once, past the checks.
-- outcome: script_error
-- reason: request.headers cannot be replaced
return {
    api = 1,
    transform = function(request)
        request.headers = { Host = "internal" }
    end,
}
