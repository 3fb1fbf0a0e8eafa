-- SPDX-License-Identifier: MIT
-- A verdict that is one only for C.
-- outcome: http_5xx
-- reason: response returned
-- answer: {"status":500}
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function() return "ok\0" end,
}
