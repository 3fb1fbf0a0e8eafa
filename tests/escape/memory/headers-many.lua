-- SPDX-License-Identifier: MIT
-- A thousand headers.
-- outcome: script_error
-- reason: headers
return {
    api = 1,
    transform = function(request)
        for i = 1, 1000 do
            request.headers["X-Number-" .. i] = "x"
        end
    end,
}
