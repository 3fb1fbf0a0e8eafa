-- SPDX-License-Identifier: MIT
-- The answer of an earlier visit: its own text, and nothing that came later.
-- outcome: delivered
-- outcome: delivered
-- log: ^$
-- log: ^info json-kept: 1\n$
-- data: 1
-- data: 2
-- answer: {"status":200,"body":"[1]"}
-- sends: x
local kept
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function(response)
        if kept then print(kept()[1]) end
        kept = response.json
    end,
}
