-- SPDX-License-Identifier: MIT
-- A function that answers a table.
-- outcome: script_error
-- reason: invalid replacement value \(a table\)
return {
    api = 1,
    transform = function(request)
        request.body = ("abc"):gsub("b", function() return {} end)
    end,
}
