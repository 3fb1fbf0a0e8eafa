-- SPDX-License-Identifier: MIT
-- A reason that is no string.
-- outcome: delivered
-- reason: returned a reason that is a table
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "disable", {} end,
}
