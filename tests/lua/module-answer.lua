-- SPDX-License-Identifier: MIT
-- module-answer: tests of lua/answer.lua: what services say, and what that means.
local answer = require "grapnel.answer"

return {
    api = 1,
    options = { refused = { type = "integer", default = 400 } },

    response = function(response, _, ctx)
        if response.status == 429 then
            return answer.limited(response, ctx, "x-left", "x-until")
        end
        return answer.refused(response, ctx.options.refused, 422)
    end,

    tests = {
        {
            name = "a message",
            response = { status = 400, body = '{"message":"no\\n such  thing","code":1}' },
            expect = { verdict = { "fail", "400: no such thing" } },
        },
        {
            name = "an error within, and its list",
            response = { status = 422, body = '{"error":{"message":"no"},"errors":["a",{"b":1}]}' },
            expect = { verdict = { "fail", [=[422: no ["a",{"b":1}]]=] } },
        },
        {
            name = "what says nothing is passed over",
            response = { status = 400, body = [[{"message":"","errorMessages":[],
                "errors":{"a":"b"}}]] },
            expect = { verdict = { "fail", '400: {"a":"b"}' } },
        },
        {
            name = "an object of no known names is its beginning",
            response = { status = 400, body = '{"what":1}' },
            expect = { verdict = { "fail", '400: {"what":1}' } },
        },
        {
            name = "text, cut",
            response = { status = 400, body = ("é"):rep(500) },
            expect = { verdict = { "fail", "400: " .. ("é"):rep(197) .. "..." } },
        },
        {
            name = "nothing",
            response = { status = 400 },
            expect = { verdict = { "fail", "400: " } },
        },
        {
            name = "other statuses are the engine's matter",
            options = { refused = 413 },
            response = { status = 400, body = '{"message":"no"}' },
            expect = { verdict = false },
        },
        {
            name = "a limit is waited for",
            response = { status = 429,
                         headers = { ["X-Left"] = "0", ["X-Until"] = "1767225601.5" } },
            expect = { verdict = { "retry", 2 } },
        },
        {
            name = "a limit that has just ended",
            response = { status = 429, headers = { ["X-Left"] = "0", ["X-Until"] = "1767225000" } },
            expect = { verdict = { "retry", 1 } },
        },
        {
            name = "no limit, or one that the engine knows",
            response = { status = 429, headers = { ["X-Left"] = "7", ["X-Until"] = "1767225601" } },
            expect = { verdict = false },
        },
        {
            name = "Retry-After is the engine's",
            response = { status = 429, headers = { ["X-Left"] = "0", ["X-Until"] = "1767225601",
                                                   ["Retry-After"] = "9" } },
            expect = { verdict = false },
        },
    },
}
