// SPDX-License-Identifier: MIT
// Reading a webhook: defaults, every complaint by field, printing and reading back (webhook.md).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/webhook.h"

#define OKAY "\"target\":\"https://e.com/\",\"events\":[\"a.b\"]"

static void test_defaults(void **state)
{
    (void)state;
    struct webhook_rules rules = {0};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    assert_int_equal(webhook_parse(&webhook, SPAN("{" OKAY "}"), &rules, &problems), OK);
    assert_false(uid_is_nil(&webhook->uuid));
    assert_true(webhook->is_active && !webhook->is_paused);
    assert_true(span_is(webhook->tenant, "default"));
    assert_int_equal(webhook->timeout_ms, 15000);
    assert_int_equal(webhook->max_in_flight, 32);
    assert_false(webhook->has_retry);
    assert_int_equal(webhook->secret_count, 1);
    assert_true(webhook->has_new_secret);
    assert_true(span_starts_with(webhook->secrets[0].text, SPAN("whsec_")));
    webhook_unref(webhook);
    problems_deinit(&problems);
}

static bool refuses(void *context, struct span target, struct errmsg *why)
{
    (void)context;
    errmsg_set(why, "not that one");
    return span_is(target, "http://10.0.0.1/");
}

// What is sent, the field that is named, and words of the complaint.
static const struct {
    const char *json, *field, *words;
} refused[] = {
    {"[1]", "", "JSON object"},
    {"{", "", "no JSON"},
    {"{\"events\":[\"a\"]}", "target", "required"},
    {"{\"target\":\"https://e.com/\"}", "events", "required"},
    {"{\"target\":\"https://e.com/\",\"events\":[]}", "events", "required"},
    {"{\"target\":\"http://10.0.0.1/\",\"events\":[\"a\"]}", "target", "not that one"},
    {"{" OKAY ",\"targte\":1}", "targte", "did you mean \"target\""},
    {"{" OKAY ",\"target\":\"https://e.com/\"}", "", "twice"},
    {"{\"target\":1,\"events\":[\"a\"]}", "target", "a string"},
    {"{\"target\":\"https://e.com/\",\"events\":[\"a b\"]}", "events", "no event name"},
    {"{\"target\":\"https://e.com/\",\"events\":[\"a.*.b\"]}", "events", "no event name"},
    {"{" OKAY ",\"uuid\":\"x\"}", "uuid", "no UUID"},
    {"{" OKAY ",\"is_active\":1}", "is_active", "true or false"},
    {"{" OKAY ",\"extra_payload\":[]}", "extra_payload", "JSON object"},
    {"{" OKAY ",\"extra_payload\":{\"a\":1,\"\\u0061\":2}}", "extra_payload", "twice"},
    {"{" OKAY ",\"extra_payload_into\":\"x\"}", "extra_payload_into", "\"body\" or \"data\""},
    {"{" OKAY ",\"extra_headers\":{\"Host\":\"x\"}}", "extra_headers.Host", "Host"},
    {"{" OKAY ",\"extra_headers\":{\"content-length\":\"1\"}}", "extra_headers.content-length", ""},
    {"{" OKAY ",\"extra_headers\":{\"webhook-id\":\"1\"}}", "extra_headers.webhook-id", "engine"},
    {"{" OKAY ",\"extra_headers\":{\"X Y\":\"1\"}}", "extra_headers.X Y", ""},
    {"{" OKAY ",\"extra_headers\":{\"X\":\"a\\r\\nb\"}}", "extra_headers.X", ""},
    {"{" OKAY ",\"extra_headers\":{\"X\":1}}", "extra_headers.X", "a string"},
    {"{" OKAY ",\"extra_headers\":{\"X\":\"1\",\"x\":\"2\"}}", "extra_headers.x", "twice"},
    {"{" OKAY ",\"timeout_ms\":99}", "timeout_ms", "100 to 60000"},
    {"{" OKAY ",\"retry\":[1.5]}", "retry", "whole number"},
    {"{" OKAY ",\"max_in_flight\":1025}", "max_in_flight", "1 to 1024"},
    {"{" OKAY ",\"secrets\":[\"whsec_%%\"]}", "secrets.0", ""},
    {"{" OKAY ",\"scripts\":[{\"name\":\"A\"}]}", "scripts.0", "a-z0-9"},
    {"{" OKAY ",\"scripts\":[{\"name\":\"a\",\"x\":1}]}", "scripts.0", "only"},
    {"{" OKAY ",\"metadata\":{\"a\":1}}", "metadata", "strings"},
    {"{" OKAY ",\"tenant\":\"a b\"}", "tenant", "1-128"},
    // Known, not done yet: refused by name, never ignored.
    {"{" OKAY ",\"rate_limit\":{\"per_second\":1}}", "rate_limit", "not supported yet"},
    {"{" OKAY ",\"ordered\":\"key\"}", "ordered", "not supported yet"},
    {"{" OKAY ",\"tls\":{}}", "tls", "not supported yet"},
    {"{" OKAY ",\"keep_requests\":3600}", "keep_requests", "not supported yet"},
    {"{" OKAY ",\"revision\":3}", "revision", "unknown field"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct webhook_rules rules = {.refuses_target = refuses};
        struct webhook *webhook = NULL;
        struct problems problems;
        problems_init(&problems);
        enum err err = webhook_parse(&webhook, span_of(refused[i].json), &rules, &problems);
        print_message("%s\n", refused[i].json);
        assert_int_equal(err, ERR_SYNTAX);
        assert_null(webhook);
        assert_true(problems.count >= 1);
        char *field = xmemdup0(problems.list[0].field.at, problems.list[0].field.len);
        char *message = xmemdup0(problems.list[0].message.at, problems.list[0].message.len);
        assert_string_equal(field, refused[i].field);
        if (strstr(message, refused[i].words) == NULL)
            print_error("\"%s\" lacks \"%s\"\n", message, refused[i].words);
        assert_non_null(strstr(message, refused[i].words));
        xfree(field);
        xfree(message);
        problems_deinit(&problems);
    }
}

static void test_known_events(void **state)
{
    (void)state;
    const struct span known[] = {SPAN("a.b")};
    struct webhook_rules rules = {.known_events = known, .known_event_count = 1};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    assert_int_equal(
        webhook_parse(&webhook,
                      SPAN("{\"target\":\"https://e.com/\",\"events\":[\"a.b\",\"c.*\","
                           "\"*\",\"grapnel.x\"]}"),
                      &rules, &problems),
        OK);
    webhook_unref(webhook);
    webhook = NULL;
    assert_int_equal(webhook_parse(&webhook,
                                   SPAN("{\"target\":\"https://e.com/\",\"event\":\"a.c\"}"),
                                   &rules, &problems),
                     ERR_SYNTAX);
    assert_non_null(strstr(problems.list[0].message.at, "configured list"));
    problems_deinit(&problems);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct webhook_rules rules = {0};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    assert_int_equal(
        webhook_parse(
            &webhook,
            SPAN("{" OKAY ",\"name\":\"n \\\"q\\\"\",\"extra_payload\":{\"z\":1e2,\"a\":[]},"
                 "\"extra_headers\":{\"X-B\":\"{{Y}}\",\"A\":\"\"},\"metadata\":{\"k\":\"v\"},"
                 "\"scripts\":[{\"name\":\"github\",\"version\":\"abc\",\"options\":{\"o\":1.0}}],"
                 "\"retry\":[],\"secrets\":[\"hunter2\",\"other\"],\"is_active\":false}"),
            &rules, &problems),
        OK);
    webhook->disabled = WEBHOOK_HTTP_410;
    webhook->disabled_ms = 1700000000123;
    webhook->number = 7;
    webhook->revision = 3;
    struct webhook *copy = webhook_copy(webhook);
    struct buf a, b;
    struct json_writer w;
    buf_init(&a, 65536);
    buf_init(&b, 65536);
    json_write_init(&w, &a);
    webhook_print(webhook, WEBHOOK_FOR_STORE, &w);
    json_write_init(&w, &b);
    webhook_print(copy, WEBHOOK_FOR_STORE, &w);
    assert_string_equal(buf_text(&a), buf_text(&b));
    assert_true(copy->has_retry && copy->retry_count == 0);
    assert_int_equal(copy->disabled, WEBHOOK_HTTP_410);
    assert_int_equal(copy->number, 7);
    assert_non_null(strstr(buf_text(&a), "{\"z\":1e2,\"a\":[]}"));
    // For a viewer, nothing secret.
    buf_clear(&b);
    json_write_init(&w, &b);
    webhook_print(copy, WEBHOOK_FOR_VIEWER, &w);
    assert_null(strstr(buf_text(&b), "hunter2"));
    assert_null(strstr(buf_text(&b), "{{Y}}"));
    buf_deinit(&a);
    buf_deinit(&b);
    webhook_unref(copy);
    webhook_unref(webhook);
    problems_deinit(&problems);
}

static void test_patterns(void **state)
{
    (void)state;
    assert_true(webhook_pattern_matches(SPAN("*"), SPAN("a")));
    assert_true(webhook_pattern_matches(SPAN("a.*"), SPAN("a.b")));
    assert_true(webhook_pattern_matches(SPAN("a.*"), SPAN("a.b.c")));
    assert_false(webhook_pattern_matches(SPAN("a.*"), SPAN("a")));
    assert_false(webhook_pattern_matches(SPAN("a.*"), SPAN("a.")));
    assert_false(webhook_pattern_matches(SPAN("a.*"), SPAN("ab.c")));
    assert_true(webhook_pattern_matches(SPAN("a.b"), SPAN("a.b")));
    assert_false(webhook_pattern_matches(SPAN("a.b"), SPAN("a.B")));
    assert_false(webhook_pattern_is_valid(SPAN("a*")));
    assert_false(webhook_pattern_is_valid(SPAN("")));
    assert_false(webhook_pattern_is_valid(SPAN(".*")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),     cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_known_events), cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
