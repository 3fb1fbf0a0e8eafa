-- SPDX-License-Identifier: MIT
-- A sign that answers a signature.
-- outcome: script_error
-- reason: sign returned
return {
    api = 1,
    sign = function(request)
        request.headers["X-Sum"] = "1"
        return "sum"
    end,
}
