-- SPDX-License-Identifier: MIT
-- An iterator in the middle of a document that is gone.
-- outcome: delivered
-- outcome: delivered or script_error
-- reason: ^$
-- reason: .|^$
-- sends: a
-- sends: b
-- data: {"a":1,"b":2,"c":{"d":1}}
-- data: [[[[]]]]
local step
return {
    api = 1,
    transform = function(request, event)
        step = step or pairs(event.data)
        local key = step()
        for _ = 1, 100 do
            pcall(step)
            step = step
        end
        request.body = key
        step = key == "a" and function() return "b" end or step
    end,
}
