-- SPDX-License-Identifier: MIT
-- The same behind the dot.
-- outcome: script_error
-- reason: invalid conversion
return {
    api = 1,
    transform = function(request)
        request.body = ("%.99999f"):format(1)
    end,
}
