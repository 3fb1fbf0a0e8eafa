-- SPDX-License-Identifier: MIT
-- Tables that are equal to everything.
-- outcome: delivered
-- sends: true false false
return {
    api = 1,
    transform = function(request)
        local mt = { __eq = function() return true end }
        local a, b = setmetatable({}, mt), setmetatable({}, mt)
        request.body = ("%s %s %s"):format(a == b, rawequal(a, b), a == "x")
    end,
}
