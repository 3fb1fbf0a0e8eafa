-- SPDX-License-Identifier: MIT
-- A list and an object in one.
-- outcome: script_error
-- reason: body: list elements and members in one table
return {
    api = 1,
    transform = function(request)
        request.body = { 1, 2, a = 3 }
    end,
}
