-- SPDX-License-Identifier: MIT
-- answer: what a service said in an answer, in one line, and what that means for the delivery.
local json = require "grapnel.json"
local text = require "grapnel.text"

local answer = {}

local PATHS = {
    "error.message", "message", "description", "error_description", "error", "errorMessages",
    "detail", "status",
}

local function spelled(value)                   -- nil for what says nothing
    if value == nil or value == "" or type(value) == "table" and not next(value) then return nil end
    return type(value) == "string" and value or json.encode(value)
end

-- 'Validation Failed ["title is too long"]': the service's own words, else the body's beginning.
function answer.says(response)
    local decoded, said = response.json(), nil
    if type(decoded) == "table" then
        for _, path in ipairs(PATHS) do said = said or spelled(json.get(decoded, path)) end
        local more = spelled(json.get(decoded, "errors"))
        said = said and more and said .. " " .. more or said or more
    end
    return text.truncate(((said or response.body or ""):gsub("%s+", " ")), 200, "...")
end

-- For what no retry can help: `return answer.refused(response, 400, 422)` is "fail" and the
-- service's words when the status is one of these, nothing otherwise.
function answer.refused(response, ...)
    for i = 1, select("#", ...) do
        if response.status == select(i, ...) then
            return "fail", response.status .. ": " .. answer.says(response)
        end
    end
end

-- A limit that the service tells without Retry-After: `remaining` and `reset` (unix seconds) name
-- its headers. "retry" and the seconds until then; nothing otherwise.
function answer.limited(response, ctx, remaining, reset)
    local headers = response.headers
    if headers["retry-after"] or headers[remaining] ~= "0" then return end
    local seconds = tonumber(headers[reset])
    if seconds then return "retry", math.max(1, math.ceil(seconds - ctx.attempt.time)) end
end

return answer
