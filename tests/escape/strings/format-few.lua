-- SPDX-License-Identifier: MIT
-- More conversions than arguments.
-- outcome: script_error
-- reason: bad argument #\d to '.*format' \(no value\)
return {
    api = 1,
    transform = function(request)
        request.body = ("%s %s"):format(1)
    end,
}
