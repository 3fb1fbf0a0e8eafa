-- SPDX-License-Identifier: MIT
-- A list with a hole.
-- outcome: script_error
-- reason: body: a list with a hole: element 2 is missing
return {
    api = 1,
    transform = function(request)
        request.body = { 1, nil, 3 }
    end,
}
