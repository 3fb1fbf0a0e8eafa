-- SPDX-License-Identifier: MIT
-- A secret, whole and by its parts.
-- outcome: delivered
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- log: (?s)^(?!.*(c2Vj|bGY=)).*\[secret\]
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    sign = function(_, _, ctx)
        print(ctx.secret)
        print("a" .. ctx.secret .. ctx.secret .. "b")
        print(ctx.secret:sub(7))
    end,
}
