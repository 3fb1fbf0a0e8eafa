-- SPDX-License-Identifier: MIT
-- A transform that answers true.
-- outcome: script_error
-- reason: transform returned
return {
    api = 1,
    transform = function(request)
        request.body = "x"
        return true
    end,
}
