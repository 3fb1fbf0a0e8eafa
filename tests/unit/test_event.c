// SPDX-License-Identifier: MIT
// Events and attempts as records (model/event.h, model/attempt.h): what is packed comes back, what is damaged is refused.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/attempt.h"
#include "model/event.h"

static void assert_span(struct span actual, const char *expected)
{
    if (!span_is(actual, expected))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARGS(actual), expected);
}

static struct event *full_event(void)
{
    static const struct uid webhook = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    struct event_source source = {
        .form = EVENT_FIELDS,
        .time_ms = 1700000000123,
        .deliver_at_ms = 1700000009000,
        .expires_at_ms = 1699999999999,
        .webhook = &webhook,
        .uid = 1000,
        .pid = 4242,
        .tenant = SPAN("acme"),
        .name = SPAN("request.added"),
        .key_id = SPAN("key-1"),
        .order_key = SPAN("order"),
        .time = SPAN("2023-11-14T22:13:20.123Z"),
        .traceparent = SPAN("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        .payload = SPAN("{\"a\": 1e14,\"b\":\"\\u00e9\"}"),
    };
    struct event *event = event_new(&source);
    event->seq = 77;
    event->accepted_ms = 1700000001000;
    event->id.bytes[0] = 0xfe;
    memset(event->content_hash, 0xab, sizeof event->content_hash);
    uint32_t *webhooks = xcalloc(2, sizeof *webhooks);
    webhooks[0] = 5;
    webhooks[1] = UINT32_MAX;
    uint32_t *missed = xcalloc(1, sizeof *missed);
    missed[0] = 9;
    event_set_webhooks(event, webhooks, 2, missed, 1);
    return event;
}

static void assert_same_event(const struct event *a, const struct event *b)
{
    assert_int_equal(a->seq, b->seq);
    assert_memory_equal(&a->id, &b->id, sizeof a->id);
    assert_int_equal(a->accepted_ms, b->accepted_ms);
    assert_int_equal(a->time_ms, b->time_ms);
    assert_int_equal(a->deliver_at_ms, b->deliver_at_ms);
    assert_int_equal(a->expires_at_ms, b->expires_at_ms);
    assert_int_equal(a->form, b->form);
    assert_int_equal(a->has_webhook, b->has_webhook);
    assert_memory_equal(&a->webhook, &b->webhook, sizeof a->webhook);
    assert_int_equal(a->is_erased, b->is_erased);
    assert_int_equal(a->uid, b->uid);
    assert_int_equal(a->pid, b->pid);
    assert_true(span_eq(a->tenant, b->tenant) && span_eq(a->name, b->name));
    assert_true(span_eq(a->key_id, b->key_id) && span_eq(a->order_key, b->order_key));
    assert_true(span_eq(a->time, b->time) && span_eq(a->traceparent, b->traceparent));
    assert_true(span_eq(a->payload, b->payload));
    assert_memory_equal(a->content_hash, b->content_hash, sizeof a->content_hash);
    assert_int_equal(a->webhook_count, b->webhook_count);
    for (uint32_t i = 0; i < a->webhook_count; i++)
        assert_int_equal(a->webhooks[i], b->webhooks[i]);
    assert_int_equal(a->missed_count, b->missed_count);
    for (uint32_t i = 0; i < a->missed_count; i++)
        assert_int_equal(a->missed[i], b->missed[i]);
}

static void check_round(const struct event *event)
{
    struct buf record;
    struct event *back = NULL;
    buf_init(&record, 4096);
    event_pack(event, &record);
    assert_int_equal(event_unpack(event->seq, buf_span(&record), &back), OK);
    assert_same_event(event, back);
    assert_int_equal(event_size(event), event_size(back));
    event_unref(back);
    buf_deinit(&record);
}

static void an_event_comes_back(void **state)
{
    (void)state;
    struct event *event = full_event();
    check_round(event);
    event->is_erased = true;
    check_round(event);
    event_unref(event);
}

static void an_event_with_nothing_optional_comes_back(void **state)
{
    (void)state;
    struct event_source source = {
        .uid = UINT32_MAX, .tenant = SPAN("default"), .name = SPAN("a"), .payload = SPAN("null")};
    struct event *event = event_new(&source);
    event->accepted_ms = 1700000001000;
    event->time_ms = event->accepted_ms; // as when it is not given
    check_round(event);
    event->time_ms = event->accepted_ms - 1;
    event->deliver_at_ms = event->accepted_ms + 1;
    check_round(event);
    event_unref(event);
}

// Every record that was cut, and every one with a changed byte, is refused or is an event: never a
// crash, nor a read beyond its end (under ASan the record ends where its memory ends).
static void damaged_events_are_harmless(void **state)
{
    struct buf record;
    struct event *event = full_event();
    struct event *back = NULL;
    (void)state;
    buf_init(&record, 4096);
    event_pack(event, &record);
    for (size_t len = 0; len < record.len; len++) {
        char *cut = xmalloc(len ? len : 1);
        memcpy(cut, record.at, len);
        assert_int_equal(event_unpack(1, span_make(cut, len), &back), ERR_CORRUPT);
        assert_null(back);
        xfree(cut);
    }
    for (size_t i = 0; i < record.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            record.at[i] = (char)(record.at[i] ^ 1 << bit);
            if (event_unpack(1, buf_span(&record), &back) == OK)
                event_unref(back);
            back = NULL;
            record.at[i] = (char)(record.at[i] ^ 1 << bit);
        }
    }
    record.at[0] = 2;
    assert_int_equal(event_unpack(1, buf_span(&record), &back), ERR_VERSION);
    buf_deinit(&record);
    event_unref(event);
}

static void references_are_counted(void **state)
{
    (void)state;
    struct event *event = full_event();
    assert_ptr_equal(event_ref(event), event);
    event_unref(event);
    assert_span(event->payload, "{\"a\": 1e14,\"b\":\"\\u00e9\"}"); // still there
    event_unref(event);
    event_unref(NULL);
}

static void names_have_an_alphabet(void **state)
{
    char longest[EVENT_MAX_NAME + 2];
    (void)state;
    memset(longest, 'x', sizeof longest);
    assert_true(event_name_is_valid(SPAN("request.added")));
    assert_true(event_name_is_valid(SPAN("A-z_0.9")));
    assert_true(event_name_is_valid(span_make(longest, EVENT_MAX_NAME)));
    assert_false(event_name_is_valid(span_make(longest, EVENT_MAX_NAME + 1)));
    static const char *const bad[] = {"", "a b", "a*", "ü", "a/b", "a\n", "{", "\""};
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(event_name_is_valid(span_of(bad[i])));
    assert_false(event_name_is_valid(SPAN("a\0b")));
    assert_string_equal(event_form_name(EVENT_DATA), "data");
    assert_string_equal(event_form_name(EVENT_FIELDS), "fields");
    assert_string_equal(event_form_name(EVENT_OVERRIDE), "override");
}

// ---- attempts ------------------------------------------------------------------------------------

static struct header sent[] = {
    {SPAN("Content-Type"), SPAN("application/json")},
    {SPAN("WEBHOOK-ID"), SPAN("an id")},
    {SPAN("Authorization"), SPAN("Bearer secret")},
    {SPAN("X-Hub-Signature-256"), SPAN("sha256=00")},
};
static struct header received[] = {{SPAN("Server"), SPAN("nginx")}};

static void fill(struct attempt *attempt, struct span response)
{
    attempt->webhook = 3;
    attempt->revision = 8;
    attempt->number = 4;
    attempt->started_ms = 1700000000123;
    attempt->headers = sent;
    attempt->header_count = COUNT_OF(sent);
    attempt->body = SPAN("body");
    attempt->body_len = 4;
    memset(attempt->body_sha256, 0x5a, sizeof attempt->body_sha256);
    attempt->outcome = OUTCOME_HTTP_503;
    attempt->reason = SPAN("busy");
    attempt->times = (struct attempt_times){1, 2, 3, 4, UINT32_MAX};
    attempt->remote = SPAN("203.0.113.7:443");
    attempt->tls = SPAN("TLSv1.3");
    attempt->is_reused = true;
    attempt->is_incomplete = true;
    attempt->status = 503;
    attempt->response_headers = received;
    attempt->response_header_count = COUNT_OF(received);
    attempt->response = response;
    attempt->response_len = (uint32_t)response.len;
    attempt->retry_after_ms = 0; // "at once" is not "none"
    attempt->scripts = SPAN("github@1a2b3c4d");
    attempt->logs = SPAN("info: x\n");
    attempt->script_cpu_us = 12;
    attempt->script_memory_bytes = 34;
    attempt->response_error = SPAN("line 7: oops");
    attempt->verdict = VERDICT_RETRY;
    attempt->verdict_after_ms = 60000;
    attempt->wait_reason = SPAN("held");
    attempt->waited_ms = 99;
}

static void an_attempt_comes_back_without_its_secrets(void **state)
{
    static char long_response[ATTEMPT_MAX_EXCERPT + 1000];
    struct buf record;
    struct arena arena;
    struct attempt back;
    (void)state;
    memset(long_response, 'r', sizeof long_response);
    struct attempt *attempt = attempt_new(5, 4096);
    assert_int_equal(attempt->retry_after_ms, -1);
    fill(attempt, span_make(long_response, sizeof long_response));
    buf_init(&record, 16384);
    arena_init(&arena, 16384);
    attempt_pack(attempt, &record);
    assert_int_equal(attempt_unpack(buf_span(&record), &arena, &back), OK);

    assert_int_equal(back.number, 4);
    assert_int_equal(back.revision, 8);
    assert_int_equal(back.started_ms, 1700000000123);
    assert_int_equal(back.outcome, OUTCOME_HTTP_503);
    assert_span(back.reason, "busy");
    assert_memory_equal(&back.times, &attempt->times, sizeof back.times);
    assert_span(back.remote, "203.0.113.7:443");
    assert_span(back.tls, "TLSv1.3");
    assert_true(back.is_reused && back.is_incomplete && !back.is_resent);
    assert_int_equal(back.status, 503);
    assert_memory_equal(back.body_sha256, attempt->body_sha256, sizeof back.body_sha256);
    assert_int_equal(back.body_len, 4);
    assert_int_equal(back.response_len, sizeof long_response);
    assert_int_equal(back.response.len, ATTEMPT_MAX_EXCERPT);
    assert_int_equal(back.retry_after_ms, 0);
    assert_span(back.scripts, "github@1a2b3c4d");
    assert_span(back.logs, "info: x\n");
    assert_int_equal(back.script_cpu_us, 12);
    assert_int_equal(back.script_memory_bytes, 34);
    assert_span(back.response_error, "line 7: oops");
    assert_int_equal(back.verdict, VERDICT_RETRY);
    assert_int_equal(back.verdict_after_ms, 60000);
    assert_span(back.wait_reason, "held");
    assert_int_equal(back.waited_ms, 99);

    static const char *const kept[] = {"application/json", "an id", "***", "***"};
    assert_int_equal(back.header_count, COUNT_OF(sent));
    for (size_t i = 0; i < COUNT_OF(sent); i++) {
        assert_true(span_eq(back.headers[i].name, sent[i].name));
        assert_span(back.headers[i].value, kept[i]);
    }
    assert_null(memmem(record.at, record.len, "Bearer", 6));
    assert_int_equal(back.response_header_count, 1);
    assert_span(back.response_headers[0].value, "nginx");

    arena_deinit(&arena);
    buf_deinit(&record);
    attempt_free(attempt);
    attempt_free(NULL);
}

static void damaged_attempts_are_harmless(void **state)
{
    struct buf record;
    struct attempt back;
    (void)state;
    struct attempt *attempt = attempt_new(1, 4096);
    fill(attempt, SPAN("no"));
    buf_init(&record, 16384);
    attempt_pack(attempt, &record);
    for (size_t len = 0; len < record.len; len++) {
        struct arena arena;
        char *cut = xmalloc(len ? len : 1);
        memcpy(cut, record.at, len);
        arena_init(&arena, 65536);
        assert_int_equal(attempt_unpack(span_make(cut, len), &arena, &back), ERR_CORRUPT);
        arena_deinit(&arena);
        xfree(cut);
    }
    for (size_t i = 0; i < record.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct arena arena;
            arena_init(&arena, 65536);
            record.at[i] = (char)(record.at[i] ^ 1 << bit);
            enum err err = attempt_unpack(buf_span(&record), &arena, &back);
            assert_true(err == OK || err == ERR_CORRUPT || err == ERR_VERSION);
            record.at[i] = (char)(record.at[i] ^ 1 << bit);
            arena_deinit(&arena);
        }
    }
    buf_deinit(&record);
    attempt_free(attempt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back),
        cmocka_unit_test(an_event_with_nothing_optional_comes_back),
        cmocka_unit_test(damaged_events_are_harmless),
        cmocka_unit_test(references_are_counted),
        cmocka_unit_test(names_have_an_alphabet),
        cmocka_unit_test(an_attempt_comes_back_without_its_secrets),
        cmocka_unit_test(damaged_attempts_are_harmless),
    };
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
