-- SPDX-License-Identifier: MIT
-- A request line of the script's own.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        request.url = "https://example.com/ HTTP/1.1\r\nHost: internal\r\n\r\n"
    end,
}
