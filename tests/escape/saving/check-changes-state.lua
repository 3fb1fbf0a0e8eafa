-- SPDX-License-Identifier: MIT
-- A check that leaves something behind: the state that renders is another one.
-- outcome: delivered
-- options: {"a":"x"}
-- sends: 1
local calls = 0
return {
    api = 1,
    options = {
        a = {
            type = "string",
            check = function()
                calls = calls + 1
                return calls == 1
            end,
        },
    },
    transform = function(request, _, ctx)
        request.body = ctx.options.a == "x" and tostring(calls)
    end,
}
