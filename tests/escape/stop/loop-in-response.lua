-- SPDX-License-Identifier: MIT
-- The same when an answer is judged: the default verdict stands.
-- outcome: delivered
-- reason: stopped after .* in response of loop-in-response@
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() while true do end end,
}
