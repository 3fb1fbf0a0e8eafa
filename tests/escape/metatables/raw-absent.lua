-- SPDX-License-Identifier: MIT
-- Past all metamethods.
-- outcome: delivered
-- sends: nil nil nil nil
return {
    api = 1,
    transform = function(request)
        request.body = ("%s %s %s %s"):format(rawset, rawget, rawlen, rawequal and debug)
    end,
}
