// SPDX-License-Identifier: MIT
// From event and webhook to bytes (model/request.h): every form of body, the merge, the headers, {{NAME}}.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "crypto/mac.h"
#include "model/request.h"

#define HOOK                                                                                    \
    "{\"hook\":{\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\",\"event\":\"request.added\"," \
    "\"target\":\"https://example.com/h\\\"ook\"}"

static struct webhook *make_webhook(const char *members)
{
    struct problems problems;
    struct webhook *webhook = NULL;
    struct webhook_rules rules = {0};
    char json[2048];
    snprintf(json, sizeof json,
             "{\"uuid\":\"00112233-4455-6677-8899-aabbccddeeff\",\"events\":[\"*\"],"
             "\"target\":\"https://example.com/h\\\"ook\"%s%s}",
             members[0] ? "," : "", members);
    problems_init(&problems);
    if (webhook_parse(&webhook, span_of(json), &rules, &problems) != OK)
        fail_msg("%.*s", SPAN_ARGS(problems.list[0].message));
    problems_deinit(&problems);
    return webhook;
}

static struct event *make_event(enum event_form form, struct span payload)
{
    struct event_source source = {
        .form = form, .tenant = SPAN("default"), .name = SPAN("request.added"), .payload = payload};
    return event_new(&source);
}

// Builds a request and hands back the attempt, which owns all of it.
static struct attempt *build(const char *members, enum event_form form, struct span payload,
                             bool for_scripts, size_t *data_at)
{
    struct webhook *webhook = make_webhook(members);
    struct event *event = make_event(form, payload);
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    attempt->started_ms = 1700000000999;
    assert_int_equal(request_build(attempt, event, webhook, NULL, for_scripts, data_at), OK);
    event_unref(event);
    webhook_unref(webhook);
    return attempt;
}

static void expect_body(const char *members, enum event_form form, const char *payload,
                        const char *expected)
{
    struct attempt *attempt = build(members, form, span_of(payload), false, NULL);
    if (!span_is(attempt->body, expected))
        fail_msg("\n%.*s is not\n%s", SPAN_ARGS(attempt->body), expected);
    uint8_t hash[32];
    mac_digest(MAC_SHA256, attempt->body, hash);
    assert_memory_equal(hash, attempt->body_sha256, sizeof hash);
    assert_int_equal(attempt->body_len, attempt->body.len);
    attempt_free(attempt);
}

static void bodies_have_the_three_forms(void **state)
{
    (void)state;
    expect_body("", EVENT_DATA, "{\"a\":1}", HOOK ",\"data\":{\"a\":1}}");
    expect_body("", EVENT_DATA, "[]", HOOK ",\"data\":[]}");
    expect_body("", EVENT_DATA, "null", HOOK ",\"data\":null}");
    expect_body("", EVENT_FIELDS, "{\"a\":1,\"b\":2}", HOOK ",\"a\":1,\"b\":2}");
    expect_body("", EVENT_FIELDS, "{}", HOOK "}");
    expect_body("", EVENT_FIELDS, "{ \n}", HOOK "}");
    expect_body("", EVENT_FIELDS, "{ \"a\" : 1 }", HOOK ",\"a\" : 1 }");
    expect_body("", EVENT_OVERRIDE, "{ \"text\" : \"x\" }", "{ \"text\" : \"x\" }");
}

static void untouched_data_keeps_its_spelling(void **state)
{
    (void)state;
    static const char odd[] = "{\"z\":1e14,\"a\":12345678901234567890,\"f\":1.0,\"l\":[ ],\"o\":{},"
                              "\"e\":\"\\u00e9\\/\",\"n\":null , \"d\":\"\xc3\xa9\"}";
    char expected[1024];
    snprintf(expected, sizeof expected, "%s,\"data\":%s}", HOOK, odd);
    expect_body("", EVENT_DATA, odd, expected);
    snprintf(expected, sizeof expected, "%s,\"data\":%s,\"x\":1e2}", HOOK, odd);
    expect_body("\"extra_payload\":{\"x\":1e2}", EVENT_DATA, odd, expected);
}

static void the_example_event_arrives_byte_for_byte(void **state)
{
    static char text[4096];
    (void)state;
    FILE *file = fopen(SOURCE_DIR "/tests/support/request_added.json", "rb");
    assert_non_null(file);
    struct span data = {text, fread(text, 1, sizeof text, file)};
    (void)fclose(file);
    assert_int_equal(data.len, 858);
    size_t at = 0;
    struct attempt *attempt = build("", EVENT_DATA, data, false, &at);
    assert_int_equal(at, strlen(HOOK ",\"data\":"));
    assert_int_equal(attempt->body.len, at + data.len + 1);
    assert_memory_equal(attempt->body.at, HOOK ",\"data\":", at);
    assert_memory_equal(attempt->body.at + at, data.at, data.len);
    assert_int_equal(attempt->body.at[attempt->body.len - 1], '}');
    attempt_free(attempt);
}

static void extra_payload_wins_and_keeps_places(void **state)
{
    (void)state;
    expect_body("\"extra_payload\":{\"new\":1,\"data\":2}", EVENT_DATA, "{\"a\":1}",
                HOOK ",\"data\":2,\"new\":1}");
    expect_body("\"extra_payload\":{\"b\":{\"x\":1}}", EVENT_FIELDS,
                "{\"a\":1,\"b\":{\"y\":2},\"c\":3}", HOOK ",\"a\":1,\"b\":{\"x\":1},\"c\":3}");
    expect_body("\"extra_payload\":{\"channel\":\"#x\"}", EVENT_OVERRIDE, "{\"text\":\"t\"}",
                "{\"text\":\"t\",\"channel\":\"#x\"}");
    expect_body("\"extra_payload\":{\"hook\":null}", EVENT_DATA, "1", "{\"hook\":null,\"data\":1}");
    // An override that is no object cannot be merged into.
    expect_body("\"extra_payload\":{\"a\":1}", EVENT_OVERRIDE, "[1]", "[1]");
}

static void extra_payload_goes_into_data_where_that_is_an_object(void **state)
{
    static const char into[] =
        "\"extra_payload_into\":\"data\",\"extra_payload\":{\"a\":9,\"n\":0}";
    (void)state;
    expect_body(into, EVENT_DATA, "{\"b\":2,\"a\":1}", HOOK ",\"data\":{\"b\":2,\"a\":9,\"n\":0}}");
    expect_body(into, EVENT_DATA, "{}", HOOK ",\"data\":{\"a\":9,\"n\":0}}");
    expect_body(into, EVENT_DATA, "[1]", HOOK ",\"data\":[1],\"a\":9,\"n\":0}");
    expect_body(into, EVENT_FIELDS, "{\"c\":3}", HOOK ",\"c\":3,\"a\":9,\"n\":0}");
}

static void scripts_come_before_the_merge(void **state)
{
    (void)state;
    size_t at = 0;
    struct attempt *attempt =
        build("\"extra_payload\":{\"x\":1}", EVENT_DATA, SPAN("{}"), true, &at);
    assert_true(span_is(attempt->body, HOOK ",\"data\":{}}"));
    assert_int_equal(at, strlen(HOOK ",\"data\":"));
    attempt_free(attempt);
    attempt = build("", EVENT_FIELDS, SPAN("{}"), true, &at);
    assert_int_equal(at, SIZE_MAX);
    attempt_free(attempt);
    attempt = build("", EVENT_OVERRIDE, SPAN("{}"), true, &at);
    assert_int_equal(at, 0);
    attempt_free(attempt);
}

static void expect_header(const struct attempt *attempt, const char *name, const char *value)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        if (!span_eq_nocase(attempt->headers[i].name, span_of(name)))
            continue;
        found++;
        if (!span_is(attempt->headers[i].value, value))
            fail_msg("%s: %.*s", name, SPAN_ARGS(attempt->headers[i].value));
    }
    assert_int_equal(found, 1);
}

static void headers_have_defaults_that_give_way(void **state)
{
    (void)state;
    struct attempt *attempt = build("", EVENT_DATA, SPAN("1"), false, NULL);
    assert_true(span_is(attempt->method, "POST"));
    assert_true(span_is(attempt->url, "https://example.com/h\"ook"));
    assert_int_equal(attempt->timeout_ms, 15000);
    assert_int_equal(attempt->header_count, 4);
    expect_header(attempt, "Content-Type", "application/json");
    expect_header(attempt, "User-Agent", "grapnel/" GRAPNEL_VERSION);
    expect_header(attempt, "webhook-id", "00000000-0000-0000-0000-000000000000");
    expect_header(attempt, "webhook-timestamp", "1700000000");
    attempt_free(attempt);
    attempt =
        build("\"extra_headers\":{\"content-type\":\"text/plain\",\"X-A\":\"{{B}}\",\"X-E\":\"\"}",
              EVENT_DATA, SPAN("1"), false, NULL);
    assert_int_equal(attempt->header_count, 6);
    expect_header(attempt, "Content-Type", "text/plain");
    expect_header(attempt, "X-A", "{{B}}"); // no hook_env: as written
    expect_header(attempt, "X-E", "");
    attempt_free(attempt);
}

static void the_events_trace_goes_along(void **state)
{
    (void)state;
    struct webhook *webhook = make_webhook("");
    struct event_source source = {.tenant = SPAN("default"),
                                  .name = SPAN("a"),
                                  .traceparent = SPAN("00-1-2-01"),
                                  .payload = SPAN("1")};
    struct event *event = event_new(&source);
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    assert_int_equal(request_build(attempt, event, webhook, NULL, false, NULL), OK);
    expect_header(attempt, "traceparent", "00-1-2-01");
    attempt_free(attempt);
    event_unref(event);
    webhook_unref(webhook);
}

static void placeholders_are_replaced_once(void **state)
{
    static const struct header values[] = {
        {SPAN("KEY"), SPAN("v")}, {SPAN("EMPTY"), SPAN("")}, {SPAN("_k9"), SPAN("{{KEY}}")}};
    static const struct hook_env env = {values, COUNT_OF(values)};
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"plain", "plain"},       {"{{KEY}}", "v"},
        {"{{ KEY }}", "v"},       {"a{{KEY}}{{  KEY}}b", "avvb"},
        {"{{EMPTY}}", ""},        {"{{UNKNOWN}}", ""},
        {"{{_k9}}", "{{KEY}}"}, // what comes in is not looked at again
        {"{{key}}", ""},          {"{{9k}}", "{{9k}}"},
        {"{{K-Y}}", "{{K-Y}}"},   {"{{}}", "{{}}"},
        {"{{KEY}", "{{KEY}"},     {"{{KEY", "{{KEY"},
        {"{{{KEY}}}", "{v}"},     {"{KEY}", "{KEY}"},
        {"{{KEY} }", "{{KEY} }"}, {"", ""},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, 256);
        request_expand(&out, span_of(cases[i].text), &env);
        if (!span_is(buf_span(&out), cases[i].expected))
            fail_msg("%s gives %.*s", cases[i].text, SPAN_ARGS(buf_span(&out)));
        buf_deinit(&out);
    }
    static const struct hook_env none = {NULL, 0};
    struct buf out;
    buf_init(&out, 256);
    request_expand(&out, SPAN("{{KEY}}"), &none);
    assert_true(span_is(buf_span(&out), "{{KEY}}"));
    buf_deinit(&out);
}

static void expanded_headers_are_bounded(void **state)
{
    static char big[40000];
    (void)state;
    memset(big, 'x', sizeof big);
    const struct header values[] = {{SPAN("BIG"), {big, sizeof big}}};
    const struct hook_env env = {values, 1};
    struct webhook *webhook =
        make_webhook("\"extra_headers\":{\"X-A\":\"{{BIG}}\",\"X-B\":\"{{BIG}}\"}");
    struct event *event = make_event(EVENT_DATA, SPAN("1"));
    struct attempt *attempt = attempt_new(1, request_bound(event, webhook));
    assert_int_equal(request_build(attempt, event, webhook, &env, false, NULL), ERR_FULL);
    attempt_free(attempt);
    event_unref(event);
    webhook_unref(webhook);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_have_the_three_forms),
        cmocka_unit_test(untouched_data_keeps_its_spelling),
        cmocka_unit_test(the_example_event_arrives_byte_for_byte),
        cmocka_unit_test(extra_payload_wins_and_keeps_places),
        cmocka_unit_test(extra_payload_goes_into_data_where_that_is_an_object),
        cmocka_unit_test(scripts_come_before_the_merge),
        cmocka_unit_test(headers_have_defaults_that_give_way),
        cmocka_unit_test(the_events_trace_goes_along),
        cmocka_unit_test(placeholders_are_replaced_once),
        cmocka_unit_test(expanded_headers_are_bounded),
    };
    return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
