-- SPDX-License-Identifier: MIT
-- %p shows where things lie in memory.
-- outcome: script_error
-- reason: %p is not available
return {
    api = 1,
    transform = function(request)
        request.body = ("%p"):format({})
    end,
}
