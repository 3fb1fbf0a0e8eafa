-- SPDX-License-Identifier: MIT
-- The same of ctx, called with what is no table.
-- outcome: script_error
-- reason: attempt to index a nil value
return {
    api = 1,
    transform = function(request, _, ctx)
        local get = getmetatable(ctx).__index
        for i = 1, 1000 do
            get(("x"):rep(i), "attempt")
        end
    end,
}
