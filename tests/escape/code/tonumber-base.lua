-- SPDX-License-Identifier: MIT
-- Bases that do not exist.
-- outcome: script_error
-- reason: base out of range
return {
    api = 1,
    transform = function(request)
        request.body = tostring(tonumber("10", 2 ^ 31 | 0))
    end,
}
