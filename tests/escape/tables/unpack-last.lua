-- SPDX-License-Identifier: MIT
-- unpack up to the last integer.
-- outcome: script_error
-- reason: too many results to unpack
return {
    api = 1,
    transform = function(request)
        request.body = tostring(table.unpack({}, 1, math.maxinteger))
    end,
}
