-- SPDX-License-Identifier: MIT
-- There is no clock, also not by the length of what one does.
-- outcome: delivered
-- sends: parse format integer
return {
    api = 1,
    transform = function(request, _, ctx)
        local names = {}
        for name in pairs(require("grapnel.time")) do
            names[#names + 1] = name
        end
        table.sort(names, function(a, b) return a > b end)
        request.body = ("%s %s %s"):format(names[1], names[2], math.type(ctx.attempt.time))
    end,
}
