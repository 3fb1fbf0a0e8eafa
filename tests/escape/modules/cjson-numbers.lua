-- SPDX-License-Identifier: MIT
-- Numbers that a double cannot hold.
-- outcome: delivered
-- sends: inf 0.0 false
return {
    api = 1,
    transform = function(request)
        local cjson = require "cjson"
        request.body = ("%s %s %s"):format(cjson.decode("[1e999999999]")[1], cjson.decode("[1e-999999999]")[1],
            (pcall(cjson.encode, { 0 / 0 })))
    end,
}
