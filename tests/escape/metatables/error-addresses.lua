-- SPDX-License-Identifier: MIT
-- Errors that name values name no addresses.
-- outcome: delivered
-- sends: clean
return {
    api = 1,
    transform = function(request)
        local json = require "grapnel.json"
        local tries = {
            function() return {} .. print end,
            function() return #print end,
            function() return {} < {} end,
            function() return {} + json.null end,
            function() return print.x.y end,
            function() return json.null.x end,
            function() return ("x"):rep({}) end,
            function() return ({})() end,
            function() error(tostring({}) .. tostring(print)) end,
            function() for i = print, {} do return i end end,
            function() return ipairs(nil) end,
            function() return 1 & 1.5 end,
        }
        request.body = "clean"
        for _, try in ipairs(tries) do
            local _, message = pcall(try)
            if tostring(message):find("0x", 1, true) then request.body = message end
        end
    end,
}
