-- SPDX-License-Identifier: MIT
-- What is no address.
-- outcome: delivered
-- sends: nil nil nil
return {
    api = 1,
    transform = function(request)
        local url = require "grapnel.url"
        request.body = ("%s %s %s"):format((url.parse("")), (url.parse("http://[::1")),
            (url.parse(("http://x"):rep(100000) .. "\r\n")))
    end,
}
