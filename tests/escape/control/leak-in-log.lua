-- SPDX-License-Identifier: MIT
-- Logs the middle of it in hexadecimal.
-- outcome: script_error
-- reason: .
-- options: {"canary":"@TOKEN@"}
return {
    api = 1,
    options = { canary = { type = "string" } },
    transform = function(_, _, ctx)
        print(require("grapnel.crypto").hex(ctx.options.canary:sub(5, 22)))
        error("logged")
    end,
}
