-- SPDX-License-Identifier: MIT
-- NaN and nil as keys of a decoded table.
-- outcome: delivered
-- sends: index is NaN index is nil
-- data: {"a":1}
return {
    api = 1,
    transform = function(request, event)
        local _, nan = pcall(function() event.data[0 / 0] = 1 end)
        local _, none = pcall(function() event.data[nil] = 1 end)
        request.body = nan:match("index is %a+$") .. " " .. none:match("index is %a+$")
    end,
}
