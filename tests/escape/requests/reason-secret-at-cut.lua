-- SPDX-License-Identifier: MIT
-- The same in an error.
-- outcome: script_error
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- reason: (?s)^(?!.*(c2Vj|whse)).*xxx
return {
    api = 1,
    sign = function(request, _, ctx)
        error(("x"):rep(960) .. ctx.secret)
    end,
}
