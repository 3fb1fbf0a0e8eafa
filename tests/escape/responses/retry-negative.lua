-- SPDX-License-Identifier: MIT
-- A delay into the past.
-- outcome: delivered
-- reason: where seconds must stand
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "retry", -1e300 end,
}
