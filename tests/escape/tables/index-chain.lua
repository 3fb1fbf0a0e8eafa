-- SPDX-License-Identifier: MIT
-- __index that goes round in a circle.
-- outcome: script_error
-- reason: '__index' chain too long; possible loop
return {
    api = 1,
    transform = function(request)
        local a, b = {}, {}
        setmetatable(a, { __index = b })
        setmetatable(b, { __index = a })
        request.body = tostring(a.x)
    end,
}
