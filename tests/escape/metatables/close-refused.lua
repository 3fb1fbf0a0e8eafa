-- SPDX-License-Identifier: MIT
-- What runs when a block is left, also by an error.
-- outcome: script_error
-- reason: setmetatable: __close is not available
return {
    api = 1,
    transform = function(request)
        local x <close> = setmetatable({}, { __close = function() end })
        request.body = tostring(x)
    end,
}
