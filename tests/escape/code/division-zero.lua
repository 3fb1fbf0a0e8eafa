-- SPDX-License-Identifier: MIT
-- Integers divided by zero.
-- outcome: script_error
-- reason: attempt to perform 'n%0'
return {
    api = 1,
    transform = function(request)
        local zero = #{}
        request.body = tostring(1 % zero)
    end,
}
