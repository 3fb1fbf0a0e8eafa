-- SPDX-License-Identifier: MIT
-- A million results.
-- outcome: delivered or script_error
-- reason: .
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return {}, table.unpack({}, 1, 100000) end,
}
