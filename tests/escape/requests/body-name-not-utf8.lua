-- SPDX-License-Identifier: MIT
-- The same in a member's name.
-- outcome: script_error
-- reason: body.*a name that is not UTF-8
return {
    api = 1,
    transform = function(request)
        request.body = { ["x\xff"] = 1 }
    end,
}
