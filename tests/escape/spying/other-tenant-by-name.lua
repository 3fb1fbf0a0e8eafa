-- SPDX-License-Identifier: MIT
-- Another tenant, by changing what one is.
-- outcome: delivered
-- sends: default default false
return {
    api = 1,
    transform = function(request, event, ctx)
        ctx.webhook.tenant = "canary"
        event.tenant = "canary"
        request.body = ("%s %s %s"):format("default", ctx.attempt and "default",
            (pcall(function() return ctx.secret end)))
    end,
}
