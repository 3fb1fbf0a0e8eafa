-- SPDX-License-Identifier: MIT
-- content: what a body says without the engine's envelope, for scripts that wrap it in their own.
local content = {}

-- of(request, event): the event's data as the scripts before have left it: the body without `hook`,
-- and without `data` around it when nothing else is there. What is not enveloped is the body. nil
-- when the event came without data. What it answers is part of request.body, no copy.
function content.of(request, event)
    local body = request.body
    if type(body) ~= "table" or body.hook == nil or event.form == "override" then return body end
    body.hook = nil
    local first = next(body)
    if first == nil and event.form ~= "fields" then return nil end
    if event.form == "data" and first == "data" and next(body, first) == nil then
        return body.data
    end
    return body
end

-- table(request): the body, whose members are wanted; raises when a script before made it a text.
function content.table(request)
    local body = request.body
    if type(body) == "table" then return body end
    error("the body is a text already; this script stands before the one that writes the text", 0)
end

return content
