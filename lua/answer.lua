-- SPDX-License-Identifier: MIT
-- answer: what a service said in an answer, in one line, and what that means for the delivery.
local json = require "grapnel.json"
local text = require "grapnel.text"

local answer = {}

local PATHS = {
    "error.message", "message", "description", "error_description", "error", "errorMessages",
    "detail", "errors", "status",
}

-- "Validation Failed ["title is too long"]": the service's own words, else the body's beginning.
function answer.says(response)
    local decoded, said = response.json(), nil
    for _, path in ipairs(type(decoded) == "table" and PATHS or {}) do
        said = said or json.get(decoded, path)
    end
    local more = said and json.get(decoded, "errors")
    if said == nil then said = response.body or "" end
    if type(said) ~= "string" then said = json.encode(said) end
    if more and said ~= more then said = said .. " " .. json.encode(more) end
    return text.truncate((said:gsub("%s+", " ")), 200, "...")
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
