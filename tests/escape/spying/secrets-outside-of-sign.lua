-- SPDX-License-Identifier: MIT
-- Secrets are there in sign only.
-- outcome: delivered
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- sends: nil nil
return {
    api = 1,
    transform = function(request, _, ctx)
        request.body = ("%s %s"):format(ctx.secret, ctx.secrets)
    end,
}
