-- SPDX-License-Identifier: MIT
-- The request in itself.
-- outcome: script_error
-- reason: not a plain table
return {
    api = 1,
    transform = function(request)
        request.body = { request = request }
    end,
}
