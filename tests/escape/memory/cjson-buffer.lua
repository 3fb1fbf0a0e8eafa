-- SPDX-License-Identifier: MIT
-- lua-cjson keeps its buffer, which no ceiling counts: many scripts could fill the host with them.
-- outcome: delivered
-- data: 1
-- data: 2
-- data: 3
-- sends: ends
return {
    api = 1,
    transform = function(request)
        pcall(require("cjson").encode, ("\0"):rep(1 << 20))
        request.body = "ends"
    end,
}
