-- SPDX-License-Identifier: MIT
-- A number as body.
-- outcome: script_error
-- reason: request.body is a number
return {
    api = 1,
    transform = function(request)
        request.body = 7
    end,
}
