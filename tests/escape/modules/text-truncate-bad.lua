-- SPDX-License-Identifier: MIT
-- Bytes that are only continuations.
-- outcome: delivered
-- sends: ok
return {
    api = 1,
    transform = function(request)
        local text = require "grapnel.text"
        local cut = text.truncate(("\x80"):rep(1000), 3) .. text.truncate("a" .. ("\xe2"):rep(10), 2)
        request.body = #cut <= 1020 and "ok" or tostring(#cut)
    end,
}
