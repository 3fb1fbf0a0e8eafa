-- SPDX-License-Identifier: MIT
-- A secret across the place where a long line is cut.
-- outcome: delivered
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- log: (?s)^(?!.*(c2Vj|whse)).*xxx
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    sign = function(_, _, ctx)
        for cut = 980, 1024, 7 do
            print(("x"):rep(cut) .. ctx.secret)
        end
    end,
}
