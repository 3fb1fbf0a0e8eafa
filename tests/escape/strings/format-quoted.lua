-- SPDX-License-Identifier: MIT
-- %q of what it cannot say.
-- outcome: delivered
-- sends: "table"
return {
    api = 1,
    transform = function(request)
        request.body = ("%q"):format({})
    end,
}
