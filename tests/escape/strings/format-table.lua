-- SPDX-License-Identifier: MIT
-- %s of what has an address.
-- outcome: delivered
-- sends: table function function null nil
return {
    api = 1,
    transform = function(request)
        request.body = ("%s %s %s %s %s"):format({}, print, request.headers and tostring,
            require("grapnel.json").null, nil)
    end,
}
