-- SPDX-License-Identifier: MIT
-- An error when an answer is judged: the default verdict stands.
-- outcome: delivered
-- reason: error.lua:\d+: boom
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() error("boom") end,
}
