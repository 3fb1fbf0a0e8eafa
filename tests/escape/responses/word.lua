-- SPDX-License-Identifier: MIT
-- A verdict that does not exist.
-- outcome: delivered
-- reason: response returned
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "delivered" end,
}
