-- SPDX-License-Identifier: MIT
-- A secret in an error.
-- outcome: script_error
-- webhook: {"secrets":["whsec_c2VjcmV0IG9mIHRoZSBhdHRhY2tlciBpdHNlbGY="]}
-- reason: ^reason-secret.lua:\d+: it is \[secret\]$
return {
    api = 1,
    sign = function(request, _, ctx)
        error("it is " .. ctx.secret)
    end,
}
