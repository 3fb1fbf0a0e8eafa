-- SPDX-License-Identifier: MIT
-- ctx as a body: what is in it is the tenant's own, and no secret outside of sign.
-- outcome: delivered
-- sends: ["attempt","env","options","webhook"] ours
return {
    api = 1,
    transform = function(request, _, ctx)
        local json = require "grapnel.json"
        local names = {}
        for name in pairs(json.decode(json.encode(ctx))) do
            names[#names + 1] = name
        end
        table.sort(names)
        request.body = json.encode(names) .. " " .. ctx.env.OURS
    end,
}
