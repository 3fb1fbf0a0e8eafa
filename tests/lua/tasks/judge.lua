-- SPDX-License-Identifier: MIT
-- judge: task 4, what an answer means: it says so in "result"; solved with lua/README.md alone.
return {
    api = 1,

    response = function(response)
        local answer = response.json()
        local result = type(answer) == "table" and answer.result
        if result == "busy" then
            return "retry", tonumber(response.headers["Retry-After"]) or 60
        elseif result == "unknown" then
            return "fail", "the receiver does not know this request"
        elseif result == "closed" then
            return "disable", "the receiver is closed"
        elseif response.status == 409 then
            return "ok"                                     -- it has it already
        end
    end,

    tests = {
        {
            name = "busy, and it says how long",
            response = { headers = { ["Retry-After"] = "30" }, body = [[{"result":"busy"}]] },
            expect = { verdict = { "retry", 30 } },
        },
        {
            name = "busy",
            response = { body = [[{"result":"busy"}]] },
            expect = { verdict = { "retry", 60 } },
        },
        {
            name = "unknown",
            response = { status = 404, body = [[{"result":"unknown"}]] },
            expect = { verdict = { "fail", "the receiver does not know this request" } },
        },
        {
            name = "closed",
            response = { body = [[{"result":"closed"}]] },
            expect = { verdict = { "disable", "the receiver is closed" } },
        },
        {
            name = "there already",
            response = { status = 409, body = "conflict" },
            expect = { verdict = "ok" },
        },
        {
            name = "all else is as usual",
            response = { status = 500, body = "[]" },
            expect = { verdict = false },
        },
    },
}
