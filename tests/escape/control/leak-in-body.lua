-- SPDX-License-Identifier: MIT
-- Sends what belongs to the other tenant, turned around.
-- outcome: delivered
-- sends: 853c1f2a6e09d7b4-nekot-yranac
-- options: {"canary":"@TOKEN@"}
return {
    api = 1,
    options = { canary = { type = "string" } },
    transform = function(request, _, ctx) request.body = ctx.options.canary:reverse() end,
}
