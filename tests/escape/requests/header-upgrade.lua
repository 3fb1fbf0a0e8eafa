-- SPDX-License-Identifier: MIT
-- Another protocol on the same connection.
-- outcome: script_error
-- reason: (?i)upgrade|connection
return {
    api = 1,
    transform = function(request)
        request.headers["Upgrade"] = "websocket"
    end,
}
