-- SPDX-License-Identifier: MIT
-- A pattern without end, on the answer: the host is killed, the default verdict stands.
-- outcome: delivered
-- host: killed
-- reason: .
-- answer: {"status":200,"body":"a","times":40}
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function(response)
        return response.body:find(("a?"):rep(40) .. ("a"):rep(40) .. "b") and "ok"
    end,
}
