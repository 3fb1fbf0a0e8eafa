-- SPDX-License-Identifier: MIT
-- What a proxy on the way would obey.
-- outcome: script_error
-- reason: (?i)proxy-authorization
return {
    api = 1,
    transform = function(request)
        request.headers["Proxy-Authorization"] = "Basic eA=="
    end,
}
