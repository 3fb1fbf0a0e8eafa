-- SPDX-License-Identifier: MIT
-- A range whose length does not fit.
-- outcome: script_error
-- reason: too many results to unpack
return {
    api = 1,
    transform = function(request)
        request.body = tostring(table.unpack({}, math.mininteger, math.maxinteger))
    end,
}
