-- SPDX-License-Identifier: MIT
-- accept-status: says what a receiver's status codes mean, where they mean something of their own.
-- Options: ok, retry, fail, disable (lists of codes; 4 means all from 400 to 499), after (how long
--   to wait at least when it is retried).
-- Verdicts: ok=409 makes "409 Conflict" a delivery; fail=4 gives up at once on any other 4xx.
-- Limits: a code counts before its hundred, and the first list in the order above; what is in none
--   keeps the engine's verdict (2xx is delivered, 410 disables, all else is retried).
-- Follows: RFC 9110, section 15.
local LISTS = { "ok", "retry", "fail", "disable" }

local function status(value)
    if value >= 1 and value <= 5 or value >= 100 and value <= 599 then return true end
    return nil, value .. " is no status; 100 to 599, or 1 to 5 for a whole hundred"
end

local function list_of(help, example)
    return { type = "list", of = "integer", check = status, help = help, example = example }
end

local function listed(options, code)
    for _, verdict in ipairs(LISTS) do
        for _, one in ipairs(options[verdict] or {}) do
            if one == code then return verdict end
        end
    end
end

return {
    api = 1,
    help = "which status codes are a success, which are final",
    options = {
        ok = list_of("delivered", { 409 }), retry = list_of("try again", { 202 }),
        fail = list_of("give up at once", { 4 }),
        disable = list_of("give up and disable the webhook", { 401 }),
        after = { type = "duration", help = "a retry waits at least so long", example = "5m" },
    },

    response = function(response, _, ctx)
        local code = response.status
        local verdict = listed(ctx.options, code) or listed(ctx.options, code // 100)
        if verdict == "retry" then return "retry", ctx.options.after end
        if verdict == "ok" or not verdict then return verdict end
        return verdict, "the receiver answered " .. ("%d"):format(code)
    end,

    tests = {
        {
            name = "a conflict that is a success",
            options = { ok = { 409, 404 } }, response = { status = 409 },
            expect = { verdict = "ok" },
        },
        {
            name = "what is in no list keeps its meaning",
            options = { ok = { 409 }, fail = { 404 }, after = "1h" }, response = { status = 500 },
            expect = { verdict = false },
        },
        {
            name = "a code counts before its hundred",
            options = { fail = { 4 }, retry = { 429 }, after = "2m" }, response = { status = 429 },
            expect = { verdict = { "retry", 120 } },
        },
        {
            name = "the rest of the hundred",
            options = { fail = { 4 }, retry = { 429 } }, response = { status = 422 },
            expect = { verdict = "fail" },
        },
        {
            name = "a success that is none, by the schedule",
            options = { retry = { 202 } }, response = { status = 202 },
            expect = { verdict = { "retry", 0 } },
        },
        {
            name = "a receiver that wants no more",
            options = { disable = { 401, 403 } }, response = { status = 403 },
            expect = { verdict = "disable" },
        },
        {
            name = "a redirect, by its hundred, in the first list of two",
            options = { ok = { 3 }, fail = { 3 } }, response = { status = 302 },
            expect = { verdict = "ok" },
        },
        {
            name = "without options nothing is decided",
            response = { status = 404 },
            expect = { verdict = false },
        },
        {
            name = "mistakes are found when the webhook is saved",
            options = { ok = { 200, 600 }, retry = { 0 }, fail = { "404" }, after = "soon" },
            expect = {
                invalid = { ok = "element 2: 600 is no status", retry = "element 1: 0 is no status",
                            fail = "an integer expected, not a string", after = "a duration such" },
            },
        },
    },
}
