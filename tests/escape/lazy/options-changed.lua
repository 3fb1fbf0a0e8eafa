-- SPDX-License-Identifier: MIT
-- Options that were changed: the next visit sees them as they are.
-- outcome: delivered
-- outcome: delivered
-- options: {"list":["a"],"map":{"x":"y"}}
-- sends: 1 y default
-- sends: 1 y default
-- data: 1
-- data: 2
return {
    api = 1,
    options = {
        list = { type = "list", of = "string" },
        map = { type = "map", of = "string" },
        plain = { type = "string", default = "default" },
    },
    transform = function(request, _, ctx)
        local o = ctx.options
        request.body = ("%d %s %s"):format(#o.list, o.map.x, o.plain)
        o.list[2], o.map.x, o.plain = "b", "changed", "changed"
    end,
}
