-- SPDX-License-Identifier: MIT
-- Bytes beyond ASCII in a value: sent as they are, or refused, never cut.
-- outcome: delivered
-- sends: x
return {
    api = 1,
    transform = function(request)
        request.body = "x"
        pcall(function() request.headers["X-A"] = "caf\xe9" end)
    end,
}
