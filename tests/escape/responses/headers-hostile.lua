-- SPDX-License-Identifier: MIT
-- Headers that the target made up.
-- outcome: delivered
-- log: ^info headers-hostile: true\n
-- answer: {"status":200,"headers":{"__index":"x","__gc":"y","X-Long":"zzzzzzzz"}}
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function(response)
        local n = 0
        for _, value in pairs(response.headers) do
            n = n + #value
        end
        print(n > 0 and response.headers.__gc == "y")
    end,
}
