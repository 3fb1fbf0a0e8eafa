-- SPDX-License-Identifier: MIT
-- Other bytes than were signed.
-- outcome: script_error
-- reason: request.body cannot be set in sign
return {
    api = 1,
    sign = function(request)
        request.body = "other"
    end,
}
