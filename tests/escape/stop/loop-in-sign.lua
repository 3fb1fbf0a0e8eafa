-- SPDX-License-Identifier: MIT
-- The same in a sign.
-- outcome: script_timeout
-- reason: in sign of loop-in-sign@
return {
    api = 1,
    sign = function(request)
        while true do
            request.headers["X-Sum"] = nil
        end
    end,
}
