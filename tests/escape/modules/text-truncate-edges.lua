-- SPDX-License-Identifier: MIT
-- Lengths that do not exist.
-- outcome: delivered
-- sends: false false abc false
return {
    api = 1,
    transform = function(request)
        local text = require "grapnel.text"
        request.body = ("%s %s %s %s"):format((pcall(text.truncate, "abc", -1)),
            (pcall(text.truncate, "abc", math.mininteger)), text.truncate("abc", math.maxinteger),
            (pcall(text.truncate, "abc", 1, "tail")))
    end,
}
