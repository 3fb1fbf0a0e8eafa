-- SPDX-License-Identifier: MIT
-- A variable to be closed needs __close, which nothing can have.
-- outcome: script_error
-- reason: got a non-closable value
return {
    api = 1,
    transform = function(request)
        local x <close> = {}
        request.body = tostring(x)
    end,
}
