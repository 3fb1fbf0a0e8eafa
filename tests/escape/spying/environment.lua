-- SPDX-License-Identifier: MIT
-- Another tenant's hook_env.
-- outcome: delivered
-- sends: nil ours
return {
    api = 1,
    transform = function(request, _, ctx)
        request.body = ("%s %s"):format(ctx.env.TOKEN, ctx.env.OURS)
    end,
}
