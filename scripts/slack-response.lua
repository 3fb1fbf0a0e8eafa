-- SPDX-License-Identifier: MIT
-- slack-response: understands Slack's answers, of incoming webhooks (a word) and of the Web API
-- (200 with {"ok":false,"error":"channel_not_found"}).
-- Options: disable (false: a webhook that Slack has removed is not disabled, its events are dead).
-- Verdicts: ok=false with a passing error: retry, after Retry-After if that is there; what cannot
--   heal, such as invalid_blocks: fail; what ended the webhook or the token: disable
-- Limits: an error that is not known fails when Slack says so with ok=false or a status 4xx other
--   than 408 and 429; those, 5xx and all else keep the engine's verdict.
-- Follows: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks and
--   https://docs.slack.dev/reference/methods/chat.postMessage
local json = require "grapnel.json"

local function set(...)
    local members = {}
    for i = 1, select("#", ...) do members[select(i, ...)] = true end
    return members
end

local PASSING = set("ratelimited", "rate_limited", "message_limit_exceeded", "internal_error",
    "fatal_error", "service_unavailable", "request_timeout", "rollup_error", "team_added_to_org")
local GONE = set("no_service", "no_service_id", "no_team", "team_disabled", "invalid_token",
    "no_active_hooks", "account_inactive", "token_revoked", "token_expired", "invalid_auth",
    "not_authed", "channel_is_archived", "is_archived", "org_login_required", "missing_scope",
    "no_permission", "not_allowed_token_type", "deprecated_endpoint")

-- Slack's word, and whether it was said in a decoded {"ok":false}; nil: no error was named.
local function complaint(response)
    local answer = response.json()
    if type(answer) == "table" and answer.ok == false then
        local word = json.get(answer, "error")
        return type(word) == "string" and word or "an error without a name", true
    end
    return response.body:match("^%s*([%l_]+)%s*$"), false
end

return {
    api = 1,
    help = "what Slack's answers mean",
    options = {
        disable = { type = "boolean", default = true,
                    help = "disable a webhook that Slack has removed" },
    },

    response = function(response, _, ctx)
        local status, word, is_no = response.status, complaint(response)
        local is_refused = is_no or (status >= 400 and status < 500)
        if not word or not is_refused or status == 429 or status == 408 then return end
        if PASSING[word] then return "retry", tonumber(response.headers["Retry-After"]) end
        return GONE[word] and ctx.options.disable and "disable" or "fail", "Slack says " .. word
    end,

    tests = {
        {
            name = "an incoming webhook's ok",
            response = { status = 200, body = "ok" }, expect = { verdict = false },
        },
        {
            name = "the Web API's ok",
            response = { status = 200, body = '{"ok":true,"ts":"1503435956.000247"}' },
            expect = { verdict = false },
        },
        {
            name = "the Web API's error under a good status",
            response = { status = 200, body = '{"ok":false,"error":"channel_not_found"}' },
            expect = { verdict = "fail" },
        },
        {
            name = "one that passes, with and without a time",
            response = { status = 200, body = '{"ok":false,"error":"ratelimited"}',
                         headers = { ["Retry-After"] = "30" } },
            expect = { verdict = { "retry", 30 } },
        },
        {
            name = "without a time it is the schedule's",
            response = { status = 200, body = '{"ok":false,"error":"internal_error"}',
                         headers = { ["Retry-After"] = "soon" } },
            expect = { verdict = { "retry", 0 } },
        },
        {
            name = "a token that was revoked",
            response = { status = 200, body = '{"ok":false,"error":"token_revoked"}' },
            expect = { verdict = "disable" },
        },
        {
            name = "an incoming webhook that was removed",
            response = { status = 404, body = "no_service" }, expect = { verdict = "disable" },
        },
        {
            name = "the same, where webhooks shall stay",
            options = { disable = false },
            response = { status = 404, body = "no_service\n" }, expect = { verdict = "fail" },
        },
        {
            name = "what no retry can heal",
            response = { status = 400, body = "invalid_blocks" }, expect = { verdict = "fail" },
        },
        {
            name = "429 and its Retry-After are the engine's",
            response = { status = 429, body = "rate_limited", headers = { ["Retry-After"] = "9" } },
            expect = { verdict = false },
        },
        {
            name = "an internal error of theirs",
            response = { status = 500, body = "rollup_error" }, expect = { verdict = false },
        },
        {
            name = "a page of somebody between us and Slack",
            response = { status = 403, body = "<html>Forbidden</html>" },
            expect = { verdict = false },
        },
        {
            name = "an error without a name, or with a strange one",
            response = { status = 200, body = '{"ok":false,"error":{"a":1}}' },
            expect = { verdict = "fail" },
        },
        {
            name = "no body, and a list for one",
            response = { status = 404, body = "[]" }, expect = { verdict = false },
        },
    },
}
