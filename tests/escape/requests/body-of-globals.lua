-- SPDX-License-Identifier: MIT
-- All that there is, as a body.
-- outcome: script_error
-- reason: not a plain table
return {
    api = 1,
    transform = function(request)
        request.body = _ENV
    end,
}
