-- SPDX-License-Identifier: MIT
-- Times that do not exist.
-- outcome: delivered
-- sends: false false false false 9999-12-31T23:59:59Z
return {
    api = 1,
    transform = function(request)
        local time = require "grapnel.time"
        request.body = ("%s %s %s %s %s"):format((pcall(time.format, 0 / 0)), (pcall(time.format, math.huge)),
            (pcall(time.format, math.mininteger)), (pcall(time.format, 253402300800)), time.format(253402300799))
    end,
}
