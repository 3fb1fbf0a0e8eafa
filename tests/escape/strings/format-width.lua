-- SPDX-License-Identifier: MIT
-- A width that would fill memory.
-- outcome: script_error
-- reason: invalid conversion specification: '%99999
return {
    api = 1,
    transform = function(request)
        request.body = ("%99999999d"):format(1)
    end,
}
