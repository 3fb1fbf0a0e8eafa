-- SPDX-License-Identifier: MIT
-- table.concat up to the last integer.
-- outcome: script_error
-- reason: invalid value \(nil\) at index 1 in table for 'concat'
return {
    api = 1,
    transform = function(request)
        request.body = table.concat({}, ",", 1, math.maxinteger)
    end,
}
