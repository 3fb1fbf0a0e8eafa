-- SPDX-License-Identifier: MIT
-- Sends other bytes than it says.
-- outcome: delivered
-- sends: these
return {
    api = 1,
    transform = function(request)
        request.body = "those"
    end,
}
