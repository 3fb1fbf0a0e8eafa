-- SPDX-License-Identifier: MIT
-- Memory without end when an answer is judged.
-- outcome: http_5xx
-- reason: needed more than
-- answer: {"status":500}
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function()
        local t = {}
        while true do
            t[#t + 1] = {}
        end
    end,
}
