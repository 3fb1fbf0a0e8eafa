-- SPDX-License-Identifier: MIT
-- Everything that can be reached from the globals: nothing of another tenant is in it.
-- outcome: delivered
-- sends: 0
return {
    api = 1,
    transform = function(request, event, ctx)
        local seen, found = {}, 0
        local todo = { _ENV, request, request.headers, ctx.webhook, ctx.options, ctx.env, ctx.attempt, event.data,
            require("grapnel.json"), require("grapnel.crypto"), require("grapnel.text"), require("cjson") }
        while #todo > 0 do
            local t = table.remove(todo)
            if not seen[t] then
                seen[t] = true
                pcall(function()
                    for key, value in pairs(t) do
                        if type(value) == "table" then todo[#todo + 1] = value end
                        if tostring(key):find("canary", 1, true) or tostring(value):find("canary", 1, true) then
                            found = found + 1
                        end
                    end
                end)
            end
        end
        request.body = tostring(found)
    end,
}
