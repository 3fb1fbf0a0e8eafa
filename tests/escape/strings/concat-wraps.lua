-- SPDX-License-Identifier: MIT
-- The same from the first integer: its counter must not wrap.
-- outcome: script_error
-- reason: invalid value \(nil\) at index -9223372036854775808
return {
    api = 1,
    transform = function(request)
        request.body = table.concat({}, "", math.mininteger, math.maxinteger)
    end,
}
