-- SPDX-License-Identifier: MIT
-- An option that is a secret.
-- outcome: delivered
-- options: {"password":"a password of the attacker's"}
-- log: (?s)^(?!.*attacker's).*\[secret\]
-- sends: x
return {
    api = 1,
    options = { password = { type = "secret" } },
    transform = function(request, _, ctx)
        request.body = "x"
        print(ctx.options.password, ctx.options.password)
    end,
}
