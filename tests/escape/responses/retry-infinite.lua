-- SPDX-License-Identifier: MIT
-- A delay that never ends.
-- outcome: delivered
-- reason: where seconds must stand
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "retry", math.huge end,
}
