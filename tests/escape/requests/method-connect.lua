-- SPDX-License-Identifier: MIT
-- A tunnel.
-- outcome: script_error
-- reason: request.method must be POST, PUT or PATCH
return {
    api = 1,
    transform = function(request)
        request.method = "CONNECT"
    end,
}
