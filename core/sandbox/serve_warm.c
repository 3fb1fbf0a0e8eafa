// SPDX-License-Identifier: MIT
// Makes a script host do everything once, so that nothing is loaded or looked up after the lock;
// script host only.
#include "base/mem.h"
#include "crypto/mac.h"
#include "sandbox/serve_inside.h"

#define MAX_TEXT (256u * 1024) // bytes, of a question or an answer

static const char script_text[] =
    "local crypto, json = require 'grapnel.crypto', require 'grapnel.json'\n"
    "return { api = 1,\n"
    "  filter = function(event) return event.data.a ~= nil end,\n"
    "  transform = function(request) request.body.data.b = ('%d x'):format(1):gsub('x', 'y')\n"
    "    request.body.data.c = json.decode('[1e3,\"\\\\u00e9\"]')\n"
    // The C library asks the system for its memory when it sorts more than 1 KiB for the first time.
    "    local many = {}\n"
    "    for i = 1, 64 do many['k' .. i] = i end\n"
    "    request.body.data.d = many end,\n"
    "  sign = function(request, _, ctx)\n"
    "    request.headers['x-warm'] = crypto.hex(crypto.hmac('sha256', ctx.secret, request.body))\n"
    "      .. crypto.base64(crypto.ed25519_sign(('k'):rep(32), request.body)) end,\n"
    "  response = function(response) return response.json() and 'ok' end,\n"
    "  tests = { { name = 'warm', event = { event = 'warm', data = { a = 1 } },\n"
    "    expect = { filtered = false } } } }\n";

// One question by its kind, and whether its answer is what it has to be.
static bool ask(struct serve *serve, enum frame_kind kind, const struct buf *payload,
                struct errmsg *message)
{
    struct frame question = {.kind = kind, .id = 1, .number = 1, .payload = buf_span(payload)};
    struct frame answer;
    struct frame_pair headers[FRAME_MAX_HEADERS];
    struct frame_answer said = {.headers = headers};
    struct frame_checked checked;
    struct span reason = SPAN("it does not answer");
    struct buf out;
    buf_init(&out, MAX_TEXT);
    bool is_good = serve_frame(serve, &question, &out);
    struct span rest = buf_span(&out);
    if (is_good && (kind == FRAME_SCRIPT || kind == FRAME_WEBHOOK))
        reason = SPAN(""); // these are not answered
    else if (!is_good || frame_take(&rest, FRAME_HOST, &answer) != FRAME_WHOLE)
        is_good = false;
    else if (kind == FRAME_CHECK_SCRIPT)
        reason = frame_get_checked(answer.payload, &checked) ? checked.reason : reason;
    else if (frame_get_answer(answer.payload, &said) && answer.result == SCRIPT_DONE)
        reason = SPAN("");
    else
        reason = said.reason;
    if (reason.len > 0)
        errmsg_set(message, "the script host does not work: %.*s", SPAN_ARGS(reason));
    buf_deinit(&out);
    return is_good && reason.len == 0;
}

static bool ask_all(struct serve *serve, struct buf *payload, struct errmsg *message)
{
    struct frame_script script = {
        .name = SPAN("warm"), .version = SPAN("00000000"), .source = span_of(script_text)};
    struct frame_webhook *webhook = xcalloc(1, sizeof(*webhook));
    struct frame_pair headers[] = {
        {.name = SPAN("Content-Type"), .value = SPAN("application/json")}};
    struct frame_visit visit = {.memory_bytes = 16u << 20,
                                .event_id = SPAN("00000000-0000-7000-8000-000000000000"),
                                .event_name = SPAN("warm"),
                                .time = SPAN("2026-01-01T00:00:00Z"),
                                .form = 1,
                                .payload = SPAN("{\"a\":1}"),
                                .attempt = 1,
                                .attempt_id = SPAN("warm"),
                                .method = SPAN("POST"),
                                .url = SPAN("https://example.com/"),
                                .body = SPAN("{\"hook\":{},\"data\":{\"a\":1}}"),
                                .header_count = 1,
                                .headers = headers,
                                .status = 200,
                                .response = SPAN("{}")};
    webhook->uuid = SPAN("00000000-0000-4000-8000-000000000000");
    webhook->target = SPAN("https://example.com/");
    webhook->tenant = SPAN("default");
    webhook->script_count = webhook->secret_count = 1;
    webhook->scripts[0].script = 1;
    webhook->secrets[0].text = SPAN("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    frame_put_script(payload, &script);
    bool is_good = ask(serve, FRAME_CHECK_SCRIPT, payload, message) &&
                   ask(serve, FRAME_SCRIPT, payload, message);
    buf_clear(payload);
    frame_put_webhook(payload, webhook);
    is_good = is_good && ask(serve, FRAME_WEBHOOK, payload, message);
    buf_clear(payload);
    frame_put_visit(payload, &visit);
    is_good = is_good && ask(serve, FRAME_RENDER, payload, message) &&
              ask(serve, FRAME_RESPONSE, payload, message);
    xfree(webhook);
    return is_good;
}

enum err serve_warm_up(struct serve *serve, struct errmsg *message)
{
    struct buf payload;
    buf_init(&payload, MAX_TEXT);
    mac_warm_up();
    bool is_good = ask_all(serve, &payload, message);
    serve_forget_all(serve);
    buf_deinit(&payload);
    return is_good ? OK : ERR_CORRUPT;
}
