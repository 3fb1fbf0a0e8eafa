-- SPDX-License-Identifier: MIT
-- An event that was changed: the next function, and the next visit, see it as it was.
-- outcome: delivered
-- outcome: delivered
-- sends: 1
-- sends: 1
-- data: {"n":1}
-- data: {"n":1}
return {
    api = 1,
    filter = function(event)
        event.data.n = 99
        event.id = "forged"
        event.tenant = "canary"
        return true
    end,
    transform = function(request, event)
        if event.tenant ~= "default" or event.id == "forged" then error("forged") end
        request.body = tostring(event.data.n)
    end,
}
