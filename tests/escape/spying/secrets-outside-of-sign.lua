-- SPDX-License-Identifier: MIT
-- Secrets are there in sign only.
-- outcome: delivered
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- sends: false false
return {
    api = 1,
    transform = function(request, _, ctx)
        local has_one = pcall(function() return ctx.secret end)
        local has_all = pcall(function() return ctx.secrets end)
        for _, value in pairs(ctx) do
            if type(value) == "string" then has_one = true end
        end
        request.body = ("%s %s"):format(has_one, has_all)
    end,
}
