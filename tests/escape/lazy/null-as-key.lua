-- SPDX-License-Identifier: MIT
-- Null as a key.
-- outcome: script_error
-- reason: a key that is no string is not JSON
return {
    api = 1,
    transform = function(request)
        request.body = { [require("grapnel.json").null] = 1 }
    end,
}
