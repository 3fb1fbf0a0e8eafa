-- SPDX-License-Identifier: MIT
-- select at the ends of the integers.
-- outcome: script_error
-- reason: index out of range
return {
    api = 1,
    transform = function(request)
        request.body = tostring(select("#", select(math.maxinteger, 1))) .. tostring(select(math.mininteger, 1))
    end,
}
