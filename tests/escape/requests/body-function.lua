-- SPDX-License-Identifier: MIT
-- A function as body.
-- outcome: script_error
-- reason: request.body is a function
return {
    api = 1,
    transform = function(request)
        request.body = print
    end,
}
