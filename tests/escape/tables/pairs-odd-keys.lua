-- SPDX-License-Identifier: MIT
-- Keys that have no order but their address.
-- outcome: script_error
-- reason: pairs: a key that is a table has no order
return {
    api = 1,
    transform = function(request)
        for _ in pairs({ [{}] = 1, [print] = 2 }) do
            request.body = "x"
        end
    end,
}
