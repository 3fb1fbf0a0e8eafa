-- SPDX-License-Identifier: MIT
-- The same small header, a million times.
-- outcome: script_error or script_timeout
-- reason: set too often|stopped
return {
    api = 1,
    transform = function(request)
        for i = 1, 1000000 do
            request.headers["X-Again"] = "value " .. i
        end
    end,
}
