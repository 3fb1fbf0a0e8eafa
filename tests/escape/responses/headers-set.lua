-- SPDX-License-Identifier: MIT
-- The headers of an answer, changed.
-- outcome: delivered
-- reason: the headers of an answer cannot be set
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function(response) response.headers["X-A"] = "b" end,
}
