-- SPDX-License-Identifier: MIT
-- Parts of an address with line breaks: it is refused where it is used.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        local url = require "grapnel.url"
        request.url = url.build({ scheme = "https", host = "example.com", path = "/ HTTP/1.1\r\nX: y" })
    end,
}
