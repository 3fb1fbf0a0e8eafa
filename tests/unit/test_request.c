// SPDX-License-Identifier: MIT
// The bytes of a request: envelope, fields, override, extra_payload, headers (webhook.md).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/request.h"

#define UUID "11111111-2222-4333-8444-555555555555"
#define HOOK                      \
    "{\"hook\":{\"uuid\":\"" UUID \
    "\",\"event\":\"request.added\",\"target\":\"https://example.com/in\"}"
#define TARGET \
    "\"uuid\":\"" UUID "\",\"target\":\"https://example.com/in\",\"events\":[\"request.added\"]"

static struct webhook *webhook_from(const char *json)
{
    struct webhook_rules rules = {0};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    enum err err = webhook_parse(&webhook, span_of(json), &rules, &problems);
    for (size_t i = 0; i < problems.count; i++)
        print_error("%s: %s\n", problems.list[i].field.at, problems.list[i].message.at);
    assert_int_equal(err, OK);
    problems_deinit(&problems);
    return webhook;
}

static struct event *event_from(enum event_form form, const char *payload)
{
    struct event_source source = {.form = form,
                                  .tenant = SPAN("default"),
                                  .name = SPAN("request.added"),
                                  .payload = span_of(payload)};
    return event_new(&source);
}

struct row {
    const char *name, *fields; // of the webhook, behind target and events
    enum event_form form;
    const char *payload, *body;
};

static const struct row rows[] = {
    {"data as it came", "", EVENT_DATA, "{\"a\" : 1e14,\"b\":[],\"c\":1.0,\"d\":\"\\u00e9\"}",
     HOOK ",\"data\":{\"a\" : 1e14,\"b\":[],\"c\":1.0,\"d\":\"\\u00e9\"}}"},
    {"scalar data", "", EVENT_DATA, "12345678901234567890", HOOK ",\"data\":12345678901234567890}"},
    {"fields beside hook", "", EVENT_FIELDS, "{ \"username\":\"joe\" , \"n\":-0}",
     HOOK ",\"username\":\"joe\" , \"n\":-0}"},
    {"no fields", "", EVENT_FIELDS, "{ }", HOOK "}"},
    {"override is the body", "", EVENT_OVERRIDE, "{\"text\": \"hi\"}", "{\"text\": \"hi\"}"},
    {"extra payload at the end", ",\"extra_payload\":{\"team\":\"red\",\"n\":1.50}", EVENT_DATA,
     "{\"a\":1}", HOOK ",\"data\":{\"a\":1},\"team\":\"red\",\"n\":1.50}"},
    {"extra payload wins in place", ",\"extra_payload\":{\"data\":null,\"z\":[]}", EVENT_DATA,
     "{\"a\":1}", HOOK ",\"data\":null,\"z\":[]}"},
    {"extra payload into data",
     ",\"extra_payload\":{\"a\":2,\"b\":3},\"extra_payload_into\":\"data\"", EVENT_DATA,
     "{\"a\":1,\"c\":1e2}", HOOK ",\"data\":{\"a\":2,\"c\":1e2,\"b\":3}}"},
    {"into data that is no object goes to the top",
     ",\"extra_payload\":{\"b\":3},\"extra_payload_into\":\"data\"", EVENT_DATA, "[1]",
     HOOK ",\"data\":[1],\"b\":3}"},
    {"extra payload on an override", ",\"extra_payload\":{\"channel\":\"#x\"}", EVENT_OVERRIDE,
     "{\"text\":\"hi\"}", "{\"text\":\"hi\",\"channel\":\"#x\"}"},
    {"extra payload on fields", ",\"extra_payload\":{\"x\":1}", EVENT_FIELDS, "{\"u\":2}",
     HOOK ",\"u\":2,\"x\":1}"},
};

static void test_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char json[1024];
        snprintf(json, sizeof json, "{" TARGET "%s}", rows[i].fields);
        struct webhook *webhook = webhook_from(json);
        struct event *event = event_from(rows[i].form, rows[i].payload);
        struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
        assert_int_equal(request_build(attempt, event, webhook, NULL, false, NULL), OK);
        char *body = xmemdup0(attempt->body.at, attempt->body.len);
        print_message("%s\n", rows[i].name);
        assert_string_equal(body, rows[i].body);
        xfree(body);
        attempt_free(attempt);
        event_unref(event);
        webhook_unref(webhook);
    }
}

static void test_payload_place(void **state)
{
    (void)state;
    struct webhook *webhook = webhook_from("{" TARGET ",\"extra_payload\":{\"x\":1}}");
    struct event *event = event_from(EVENT_DATA, "{\"a\":1}");
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    size_t at = 0;
    assert_int_equal(request_build(attempt, event, webhook, NULL, true, &at), OK);
    assert_memory_equal(attempt->body.at + at, "{\"a\":1}", 7);
    assert_true(attempt->body.len == at + 8); // no extra_payload before scripts
    attempt_free(attempt);
    event_unref(event);
    webhook_unref(webhook);
}

static const char *header_of(const struct attempt *attempt, const char *name)
{
    static char text[256];
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        if (span_eq_nocase(attempt->headers[i].name, span_of(name))) {
            snprintf(text, sizeof text, "%.*s", SPAN_ARGS(attempt->headers[i].value));
            return text;
        }
    }
    return NULL;
}

static void test_headers(void **state)
{
    (void)state;
    const struct header values[] = {{SPAN("TOKEN"), SPAN("abc")}, {SPAN("_x1"), SPAN("")}};
    const struct hook_env env = {values, 2};
    struct webhook *webhook = webhook_from(
        "{" TARGET ",\"extra_headers\":{\"Authorization\":\"Bearer {{TOKEN}}\",\"X-A\":\"{{ TOKEN "
        "}}/{{UNKNOWN}}/{{_x1}}\",\"content-TYPE\":\"application/x\",\"X-B\":\"{{1}} {TOKEN}\","
        "\"X-Empty\":\"\"}}");
    struct event *event = event_from(EVENT_DATA, "1");
    event->id = (struct uid){{1, 2, 3}};
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    attempt->started_ms = 1700000000999;
    assert_int_equal(request_build(attempt, event, webhook, &env, false, NULL), OK);
    assert_string_equal(header_of(attempt, "authorization"), "Bearer abc");
    assert_string_equal(header_of(attempt, "x-a"), "abc//");
    assert_string_equal(header_of(attempt, "x-b"), "{{1}} {TOKEN}");
    assert_string_equal(header_of(attempt, "x-empty"), "");
    assert_string_equal(header_of(attempt, "Content-Type"), "application/x");
    assert_string_equal(header_of(attempt, "webhook-id"), "01020300-0000-0000-0000-000000000000");
    assert_string_equal(header_of(attempt, "webhook-timestamp"), "1700000000");
    assert_null(header_of(attempt, "traceparent"));
    attempt_free(attempt);

    // A tenant without any value: as written.
    attempt = attempt_new(1, request_bound(event, webhook));
    assert_int_equal(request_build(attempt, event, webhook, NULL, false, NULL), OK);
    assert_string_equal(header_of(attempt, "x-a"), "{{ TOKEN }}/{{UNKNOWN}}/{{_x1}}");
    attempt_free(attempt);
    event_unref(event);
    webhook_unref(webhook);
}

static void test_headers_that_grow(void **state)
{
    (void)state;
    static char value[40000];
    memset(value, 'x', sizeof value);
    const struct header values[] = {{SPAN("BIG"), {value, sizeof value}}};
    const struct hook_env env = {values, 1};
    struct webhook *webhook =
        webhook_from("{" TARGET ",\"extra_headers\":{\"X-A\":\"{{BIG}}{{BIG}}\"}}");
    struct event *event = event_from(EVENT_DATA, "1");
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    assert_int_equal(request_build(attempt, event, webhook, &env, false, NULL), ERR_FULL);
    attempt_free(attempt);
    event_unref(event);
    webhook_unref(webhook);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_payload_place),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_headers_that_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
