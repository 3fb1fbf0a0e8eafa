-- SPDX-License-Identifier: MIT
-- A list whose last element is far away.
-- outcome: script_error
-- reason: body: a list with a hole: element 1 is missing
return {
    api = 1,
    transform = function(request)
        request.body = { [math.maxinteger] = 1, [1 << 40] = 2 }
    end,
}
