// SPDX-License-Identifier: MIT
// Webhooks from JSON and back (model/webhook.h): defaults, every refusal by name, patterns, masks, copies.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "model/webhook.h"

#define BASE "\"target\":\"https://example.com/a/b?c=d\",\"events\":[\"request.added\"]"
#define UUID "00112233-4455-6677-8899-aabbccddeeff"

static struct webhook *parse(const char *json, const struct webhook_rules *rules)
{
    static const struct webhook_rules none;
    struct problems problems;
    struct webhook *webhook = NULL;
    problems_init(&problems);
    if (webhook_parse(&webhook, span_of(json), rules ? rules : &none, &problems) != OK)
        fail_msg("%s: %.*s: %.*s", json, SPAN_ARGS(problems.list[0].field),
                 SPAN_ARGS(problems.list[0].message));
    assert_int_equal(problems.count, 0);
    problems_deinit(&problems);
    return webhook;
}

// Exactly one problem, with that field and that text in its message.
static void refuse_with(const char *json, const struct webhook_rules *rules, const char *field,
                        const char *about)
{
    struct problems problems;
    struct webhook *webhook = NULL;
    problems_init(&problems);
    assert_int_equal(webhook_parse(&webhook, span_of(json), rules, &problems), ERR_SYNTAX);
    assert_null(webhook);
    assert_int_equal(problems.count, 1);
    struct problem *problem = &problems.list[0];
    if (!span_is(problem->field, field) ||
        memmem(problem->message.at, problem->message.len, about, strlen(about)) == NULL)
        fail_msg("%s\n%.*s: %.*s", json, SPAN_ARGS(problem->field), SPAN_ARGS(problem->message));
    problems_deinit(&problems);
}

static void refuse(const char *members, const char *field, const char *about)
{
    static const struct webhook_rules none;
    char json[16384];
    snprintf(json, sizeof json, "{" BASE ",%s}", members);
    refuse_with(json, &none, field, about);
}

static void print(const struct webhook *webhook, enum webhook_print how, struct buf *out)
{
    struct json_writer w;
    buf_init(out, 1 << 20);
    json_write_init(&w, out);
    webhook_print(webhook, how, &w);
    assert_false(out->is_full);
}

static void what_is_not_given_has_its_default(void **state)
{
    (void)state;
    struct webhook *webhook = parse("{" BASE "}", NULL);
    assert_false(uid_is_nil(&webhook->uuid));
    assert_true(span_is(webhook->tenant, "default"));
    assert_int_equal(webhook->name.len, 0);
    assert_true(webhook->is_active && !webhook->is_paused);
    assert_int_equal(webhook->disabled, WEBHOOK_ENABLED);
    assert_int_equal(webhook->extra_payload.len + webhook->metadata.len, 0);
    assert_false(webhook->extra_payload_into_data);
    assert_int_equal(webhook->extra_header_count + webhook->script_count, 0);
    assert_int_equal(webhook->timeout_ms, 15000);
    assert_int_equal(webhook->max_in_flight, 32);
    assert_true(webhook->rate_per_second == 0 && webhook->rate_burst == 0);
    assert_false(webhook->has_retry);
    assert_int_equal(webhook->number + webhook->revision, 0);
    assert_int_equal(webhook->secret_count, 1);
    assert_true(span_starts_with(webhook->secrets[0].text, SPAN("whsec_")));
    assert_true(webhook->secrets[0].id.len > 0 && webhook->secrets[0].created_ms > 0);
    struct webhook *other = parse("{" BASE "}", NULL);
    assert_false(uid_eq(&webhook->uuid, &other->uuid));
    assert_false(span_eq(webhook->secrets[0].text, other->secrets[0].text));
    webhook_unref(webhook);
    webhook_unref(other);
}

#define EVERYTHING                                                                             \
    "{\"uuid\":\"" UUID "\",\"target\":\"http://h/p\",\"events\":[\"a\",\"b.*\",\"*\"],"       \
    "\"is_active\":false,\"is_paused\":true,\"extra_payload\":{\"z\":1e14,\"a\":[]},"          \
    "\"extra_payload_into\":\"data\",\"extra_headers\":{\"X-One\":\"1\",\"X-Two\":\"{{T}}\"}," \
    "\"tenant\":\"acme\",\"name\":\"The \\\"name\\\"\",\"metadata\":{\"k\":\"v\"},"            \
    "\"scripts\":[{\"name\":\"slack\",\"options\":{\"o\":1.0}},"                               \
    "{\"name\":\"github\",\"version\":\"1a2b3c4d\"}],"                                         \
    "\"secrets\":[\"plain secret\",\"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"],"               \
    "\"timeout_ms\":100,\"retry\":[0,1,86400],\"max_in_flight\":1024,\"ordered\":\"none\","    \
    "\"rate_limit\":{\"per_second\":2.5,\"burst\":9}}"

static void everything_that_is_given_is_kept(void **state)
{
    char uuid[UID_TEXT_LEN + 1];
    (void)state;
    struct webhook *webhook = parse(EVERYTHING, NULL);
    uid_print(&webhook->uuid, uuid);
    assert_string_equal(uuid, UUID);
    assert_int_equal(webhook->event_count, 3);
    assert_true(span_is(webhook->events[1], "b.*"));
    assert_true(!webhook->is_active && webhook->is_paused);
    assert_true(span_is(webhook->extra_payload, "{\"z\":1e14,\"a\":[]}"));
    assert_true(webhook->extra_payload_into_data);
    assert_int_equal(webhook->extra_header_count, 2);
    assert_true(span_is(webhook->extra_headers[1].name, "X-Two"));
    assert_true(span_is(webhook->extra_headers[1].value, "{{T}}"));
    assert_true(span_is(webhook->tenant, "acme") && span_is(webhook->name, "The \"name\""));
    assert_true(span_is(webhook->metadata, "{\"k\":\"v\"}"));
    assert_int_equal(webhook->script_count, 2);
    assert_true(span_is(webhook->scripts[0].options, "{\"o\":1.0}"));
    assert_true(span_is(webhook->scripts[1].version, "1a2b3c4d"));
    assert_int_equal(webhook->secret_count, 2);
    assert_true(span_is(webhook->secrets[0].text, "plain secret"));
    assert_int_equal(webhook->timeout_ms, 100);
    assert_true(webhook->has_retry);
    assert_int_equal(webhook->retry_count, 3);
    assert_int_equal(webhook->retry_s[2], 86400);
    assert_int_equal(webhook->max_in_flight, 1024);
    assert_true(webhook->rate_per_second == 2.5 && webhook->rate_burst == 9);
    webhook_unref(webhook);
    webhook = parse("{\"target\":\"http://h\",\"event\":\"one\",\"retry\":[]}", NULL);
    assert_int_equal(webhook->event_count, 1);
    assert_true(webhook->has_retry && webhook->retry_count == 0);
    webhook_unref(webhook);
}

static void each_mistake_is_named(void **state)
{
    static const struct {
        const char *members, *field, *about;
    } cases[] = {
        {"\"uuid\":\"x\"", "uuid", "UUID"},
        {"\"uuid\":\"00000000-0000-0000-0000-000000000000\"", "uuid", "UUID"},
        {"\"uuid\":1", "uuid", "must be a string"},
        {"\"is_active\":1", "is_active", "true or false"},
        {"\"is_paused\":\"no\"", "is_paused", "true or false"},
        {"\"extra_payload\":[]", "extra_payload", "object"},
        {"\"extra_payload\":{\"a\":1,\"a\":2}", "extra_payload", "\"a\" twice"},
        {"\"extra_payload_into\":\"head\"", "extra_payload_into", "\"body\" or \"data\""},
        {"\"extra_headers\":{\"X\":1}", "extra_headers.X", "string"},
        {"\"extra_headers\":{\"Host\":\"x\"}", "extra_headers.Host", ""},
        {"\"extra_headers\":{\"content-LENGTH\":\"1\"}", "extra_headers.content-LENGTH", ""},
        {"\"extra_headers\":{\"Proxy-X\":\"1\"}", "extra_headers.Proxy-X", ""},
        {"\"extra_headers\":{\"webhook-id\":\"1\"}", "extra_headers.webhook-id", ""},
        {"\"extra_headers\":{\"a b\":\"1\"}", "extra_headers.a b", ""},
        {"\"extra_headers\":{\"X\":\"a\\r\\nY: b\"}", "extra_headers.X", ""},
        {"\"extra_headers\":{\"X\":\"a\\u0000\"}", "extra_headers.X", ""},
        {"\"extra_headers\":{\"X\":\"1\",\"x\":\"2\"}", "extra_headers.x", "twice"},
        {"\"tenant\":\"a b\"", "tenant", "A-Z"},
        {"\"tenant\":\"\"", "tenant", "A-Z"},
        {"\"name\":\"a\\u0000b\"", "name", "NUL"},
        {"\"metadata\":{\"a\":1}", "metadata", "strings"},
        {"\"scripts\":{}", "scripts", "list"},
        {"\"scripts\":[{}]", "scripts.0", "name"},
        {"\"scripts\":[{\"name\":\"Slack\"}]", "scripts.0", "a-z"},
        {"\"scripts\":[{\"name\":\"a\",\"option\":{}}]", "scripts.0", "only name"},
        {"\"secrets\":\"x\"", "secrets", "list"},
        {"\"secrets\":[1]", "secrets.0", "string"},
        {"\"secrets\":[\"\"]", "secrets.0", ""},
        {"\"secrets\":[\"ok\",\"whsec_AAAA\"]", "secrets.1", ""},
        {"\"timeout_ms\":99", "timeout_ms", "100 to 60000"},
        {"\"timeout_ms\":60001", "timeout_ms", "100 to 60000"},
        {"\"timeout_ms\":100.5", "timeout_ms", "whole number"},
        {"\"timeout_ms\":\"100\"", "timeout_ms", "whole number"},
        {"\"timeout_ms\":1e400", "timeout_ms", "whole number"},
        {"\"retry\":5", "retry", "list"},
        {"\"retry\":[-1]", "retry", "0 to"},
        {"\"max_in_flight\":0", "max_in_flight", "1 to 1024"},
        {"\"max_in_flight\":1025", "max_in_flight", "1 to 1024"},
        {"\"rate_limit\":{}", "rate_limit", "needs per_second"},
        {"\"rate_limit\":5", "rate_limit", "an object {per_second, burst?}"},
        {"\"rate_limit\":{\"per_second\":0}", "rate_limit.per_second", "from 0.001 to 100000"},
        {"\"rate_limit\":{\"per_second\":100001}", "rate_limit.per_second", "from 0.001"},
        {"\"rate_limit\":{\"per_second\":\"5\"}", "rate_limit.per_second", "must be a number"},
        {"\"rate_limit\":{\"per_second\":1,\"burst\":0}", "rate_limit.burst", "1 to 100000"},
        {"\"rate_limit\":{\"per_second\":1,\"burst\":1.5}", "rate_limit.burst", "whole number"},
        {"\"rate_limit\":{\"per_second\":1,\"per_hour\":1}", "rate_limit", "only per_second"},
        {"\"rate_limit\":{\"per_second\":1,\"per_second\":1}", "rate_limit", "twice"},
        {"\"ordered\":\"key\"", "ordered", "not supported yet"},
        {"\"tls\":{}", "tls", "not supported yet"},
        {"\"keep_requests\":\"1h\"", "keep_requests", "not supported yet"},
        {"\"is_activ\":true", "is_activ", "did you mean \"is_active\"?"},
        {"\"zzzzzzzz\":1", "zzzzzzzz", "unknown field"},
        {"\"revision\":3", "revision", "unknown field"},
        {"\"name\":\"a\",\"name\":\"b\"", "", "\"name\" twice"},
        {"\"n\\u0061me\":\"a\",\"name\":\"b\"", "", "twice"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        refuse(cases[i].members, cases[i].field, cases[i].about);
}

static void target_and_events_are_required(void **state)
{
    static const struct webhook_rules none;
    (void)state;
    refuse_with("{\"events\":[\"a\"]}", &none, "target", "required");
    refuse_with("{\"target\":\"http://h\"}", &none, "events", "required");
    refuse_with("{\"target\":\"http://h\",\"events\":[]}", &none, "events", "at least one");
    refuse_with("{\"target\":\"http://h\",\"events\":[\"a b\"]}", &none, "events", "\"a b\"");
    refuse_with("{\"target\":\"http://h\",\"events\":[\"*.a\"]}", &none, "events", "\"*.a\"");
    refuse_with("{\"target\":null,\"events\":[\"a\"]}", &none, "target", "string");
    refuse_with("[]", &none, "", "object");
    refuse_with("{", &none, "", "no JSON");
    refuse_with("", &none, "", "no JSON");
}

static bool refuses(void *context, struct span target, struct errmsg *why)
{
    assert_ptr_equal(context, &refuse);
    errmsg_set(why, "%.*s is inside", SPAN_ARGS(target));
    return true;
}

static void the_guard_and_the_catalogue_are_asked(void **state)
{
    static const char *const json = "{" BASE "}";
    (void)state;
    struct webhook_rules guarded = {.refuses_target = refuses, .context = (void *)&refuse};
    refuse_with(json, &guarded, "target", "https://example.com/a/b?c=d is inside");

    const struct span known[] = {SPAN("other"), SPAN("request.added")};
    struct webhook_rules rules = {.known_events = known, .known_event_count = 1};
    refuse_with(json, &rules, "events", "\"request.added\" is not in the configured list");
    rules.known_event_count = 2;
    webhook_unref(parse(json, &rules));
    webhook_unref(
        parse("{\"target\":\"http://h\",\"events\":[\"any.*\",\"*\",\"grapnel.x\"]}", &rules));
}

static void lists_are_bounded(void **state)
{
    static const struct {
        const char *name, *item, *field;
        unsigned max;
    } cases[] = {
        {"scripts", "{\"name\":\"a\"}", "scripts", WEBHOOK_MAX_SCRIPTS},
        {"secrets", "\"a\"", "secrets", WEBHOOK_MAX_SECRETS},
        {"retry", "1", "retry", WEBHOOK_MAX_RETRIES},
    };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        for (unsigned extra = 0; extra < 2; extra++) {
            struct buf json;
            buf_init(&json, 1 << 16);
            (void)buf_append_format(&json, "{" BASE ",\"%s\":[", cases[c].name);
            for (unsigned i = 0; i < cases[c].max + extra; i++)
                (void)buf_append_format(&json, "%s%s", i ? "," : "", cases[c].item);
            (void)buf_append_text(&json, "]}");
            static const struct webhook_rules none;
            if (extra)
                refuse_with(buf_text(&json), &none, cases[c].field, "more than");
            else
                webhook_unref(parse(buf_text(&json), NULL));
            buf_deinit(&json);
        }
    }
}

static void headers_are_bounded(void **state)
{
    static const struct webhook_rules none;
    struct buf json;
    (void)state;
    buf_init(&json, 1 << 16);
    (void)buf_append_text(&json, "{" BASE ",\"extra_headers\":{");
    for (unsigned i = 0; i < 65; i++)
        (void)buf_append_format(&json, "%s\"X-%u\":\"\"", i ? "," : "", i);
    (void)buf_append_text(&json, "}}");
    refuse_with(buf_text(&json), &none, "extra_headers", "more than 64");
    buf_clear(&json);
    (void)buf_append_format(&json, "{" BASE ",\"extra_headers\":{\"X\":\"%08192d\"}}", 0);
    refuse_with(buf_text(&json), &none, "extra_headers", "8192 bytes");
    buf_deinit(&json);
}

static void patterns_match_whole_segments(void **state)
{
    static const struct {
        const char *pattern, *name;
        bool matches;
    } cases[] = {
        {"*", "grapnel.delivery.dead", false},
        {"grapnel.*", "grapnel.delivery.dead", true},
        {"*", "grapnel", true},
        {"*", "a.b", true},
        {"a.b", "a.b", true},
        {"a.b", "a.b.c", false},
        {"a.*", "a.b", true},
        {"a.*", "a.b.c", true},
        {"a.*", "a", false},
        {"a.*", "a.", false},
        {"a.*", "ab.c", false},
        {"a.b.*", "a.b.c", true},
        {"a.b.*", "a.c.b", false},
        {"a", "A", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (webhook_pattern_matches(span_of(cases[i].pattern), span_of(cases[i].name)) !=
            cases[i].matches)
            fail_msg("%s and %s", cases[i].pattern, cases[i].name);
    }
    static const char *const bad[] = {"", "**", "*a", "a*", "*.a", "a.*.b", ".*x", "a b"};
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (webhook_pattern_is_valid(span_of(bad[i])))
            fail_msg("%s is no pattern", bad[i]);
    }
}

static void a_copy_is_what_the_store_would_read(void **state)
{
    struct buf one;
    struct buf two;
    (void)state;
    struct webhook *webhook = parse(EVERYTHING, NULL);
    webhook->number = 7;
    webhook->revision = 3;
    webhook->disabled = WEBHOOK_HTTP_410;
    webhook->disabled_ms = 1700000000123;
    webhook->created_ms = 1700000000001;
    webhook->updated_ms = 1700000000002;
    struct webhook *copy = webhook_copy(webhook);
    assert_int_equal(copy->number, 7);
    assert_int_equal(copy->revision, 3);
    assert_int_equal(copy->disabled, WEBHOOK_HTTP_410);
    assert_int_equal(copy->disabled_ms, 1700000000123);
    assert_int_equal(copy->created_ms, 1700000000001);
    assert_true(span_eq(copy->secrets[0].id, webhook->secrets[0].id));
    assert_int_equal(copy->secrets[0].created_ms, webhook->secrets[0].created_ms);
    print(webhook, WEBHOOK_FOR_STORE, &one);
    print(copy, WEBHOOK_FOR_STORE, &two);
    assert_true(span_eq(buf_span(&one), buf_span(&two)));
    buf_deinit(&one);
    buf_deinit(&two);
    webhook_unref(webhook);
    webhook_unref(copy);
    webhook_unref(NULL);
}

static bool holds(const struct buf *text, const char *part)
{
    return memmem(text->at, text->len, part, strlen(part)) != NULL;
}

static void secrets_are_not_printed(void **state)
{
    struct buf text;
    (void)state;
    struct webhook *webhook =
        parse("{\"target\":\"https://h.example/services/T0/B0?key=k\",\"events\":[\"*\"],"
              "\"extra_headers\":{\"Authorization\":\"Bearer zyxwv\"},\"secrets\":[\"topsecret\"]}",
              NULL);
    print(webhook, WEBHOOK_FOR_STORE, &text);
    assert_true(holds(&text, "topsecret") && holds(&text, "Bearer zyxwv"));
    buf_deinit(&text);
    print(webhook, WEBHOOK_FOR_ADMIN, &text);
    assert_true(!holds(&text, "topsecret") && holds(&text, "Bearer zyxwv") && holds(&text, "/T0/"));
    buf_deinit(&text);
    print(webhook, WEBHOOK_FOR_VIEWER, &text);
    assert_false(holds(&text, "topsecret") || holds(&text, "zyxwv") || holds(&text, "key=k"));
    assert_false(holds(&text, "B0"));
    assert_true(holds(&text, "Authorization") && holds(&text, "https://h.example/"));
    buf_deinit(&text);
    webhook_unref(webhook);
}

static void a_safe_target_ends_at_the_path(void **state)
{
    static const struct {
        const char *target, *safe;
    } cases[] = {
        {"https://example.com/a?b=c", "https://example.com/…"},
        {"https://example.com:8443/x", "https://example.com:8443/…"},
        {"https://example.com/", "https://example.com/"},
        {"https://example.com", "https://example.com"},
        {"https://example.com?k=v", "https://example.com…"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf out;
        buf_init(&out, 128);
        webhook_safe_target(span_of(cases[i].target), &out);
        assert_true(span_is(buf_span(&out), cases[i].safe));
        buf_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_given_has_its_default),
        cmocka_unit_test(everything_that_is_given_is_kept),
        cmocka_unit_test(each_mistake_is_named),
        cmocka_unit_test(target_and_events_are_required),
        cmocka_unit_test(the_guard_and_the_catalogue_are_asked),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(headers_are_bounded),
        cmocka_unit_test(patterns_match_whole_segments),
        cmocka_unit_test(a_copy_is_what_the_store_would_read),
        cmocka_unit_test(secrets_are_not_printed),
        cmocka_unit_test(a_safe_target_ends_at_the_path),
    };
    return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
