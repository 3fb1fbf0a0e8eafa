// SPDX-License-Identifier: MIT
// Lines of the ingest socket and what is replied to them: every code and rule; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka.h needs the four above.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "ingest/wire.h"

static const struct wire_rules any_event = {NULL, 0};
static const struct wire_producer producer = {1001, 77};
static struct wire *wire;

static int setup(void **state)
{
    (void)state;
    wire = wire_new(&any_event);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wire_free(wire);
    return 0;
}

static const char *print(const struct wire_reply *reply)
{
    static char text[WIRE_MAX_REPLY + 1];
    struct buf out;
    buf_init(&out, WIRE_MAX_REPLY);
    wire_print(reply, &out);
    assert_false(out.is_full);
    memcpy(text, out.at, out.len);
    text[out.len] = '\0';
    buf_deinit(&out);
    return text;
}

static struct event *accept_span(struct span line)
{
    struct event *event = NULL;
    struct wire_reply reply;
    memset(&reply, 0xa5, sizeof reply); // nothing may be left as it was
    enum err err = wire_decode(wire, line, &producer, &event, &reply);
    if (err != OK)
        fail_msg("%.*s: %s", SPAN_ARGS(line), print(&reply));
    assert_int_equal(reply.code, WIRE_OK);
    assert_int_equal(reply.message[0], '\0');
    return event;
}

static struct event *accept_line(const char *line)
{
    return accept_span(span_of(line));
}

static const char *refuse_span(struct span line)
{
    struct event *event = NULL;
    struct wire_reply reply;
    memset(&reply, 0xa5, sizeof reply);
    assert_int_equal(wire_decode(wire, line, &producer, &event, &reply), ERR_SYNTAX);
    assert_null(event);
    return print(&reply);
}

static const char *error(const char *code, const char *rest)
{
    static char text[1024];
    (void)snprintf(text, sizeof text, "{\"ok\":false,\"error\":{\"code\":\"%s\",\"message\":%s}}",
                   code, rest);
    return text;
}

static void check_span(struct span s, const char *expected)
{
    if (!span_is(s, expected))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARGS(s), expected);
}

// ---- what is accepted --------------------------------------------------------------------------

static void test_smallest(void **state)
{
    (void)state;
    struct event *e = accept_line("{\"event\":\"request.added\",\"data\":{}}");
    check_span(e->name, "request.added");
    check_span(e->payload, "{}");
    check_span(e->tenant, "default");
    assert_int_equal(e->form, EVENT_DATA);
    assert_int_equal(e->uid, 1001);
    assert_int_equal(e->pid, 77);
    assert_int_equal(e->refs, 1);
    assert_int_equal(e->time_ms, 0);
    assert_int_equal(e->deliver_at_ms, 0);
    assert_int_equal(e->expires_at_ms, 0);
    assert_false(e->has_webhook);
    assert_int_equal(e->key_id.len, 0);
    event_unref(e);
}

static void test_all_fields(void **state)
{
    (void)state;
    struct event *e = accept_line(
        " { \"ref\" : \"r\\u0031\" , \"data\" : [ 1e14,12345678901234567890 , \"\\u00e9\" ],"
        "\"event\":\"a.b\\u002dc_D9\",\"id\":\"req-42/added\",\"tenant\":\"nexB Inc\","
        "\"webhook\":\"5F0C0000-7c1a-4e5d-8a57-3f0d5a3c9b11\",\"key\":\"k\\u00e9\\ud83d\\ude00\","
        "\"time\":\"2025-08-14T13:48:26.909014321+04:00\","
        "\"deliver_at\":\"2026-01-01T00:00:00Z\",\"expires_at\":\"2026-01-01T00:00:00.0001z\","
        "\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\" }\r");
    check_span(e->name, "a.b-c_D9");
    check_span(e->payload, "[ 1e14,12345678901234567890 , \"\\u00e9\" ]");
    check_span(e->key_id, "req-42/added");
    check_span(e->tenant, "nexB Inc");
    check_span(e->order_key, "k\xc3\xa9\xf0\x9f\x98\x80");
    check_span(e->time, "2025-08-14T13:48:26.909014321+04:00");
    check_span(e->traceparent, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    assert_int_equal(e->time_ms, 1755164906909);
    assert_int_equal(e->deliver_at_ms, 1767225600000);
    assert_int_equal(e->expires_at_ms, 1767225600000);
    assert_true(e->has_webhook);
    char uuid[UID_TEXT_LEN + 1];
    uid_print(&e->webhook, uuid);
    assert_string_equal(uuid, "5f0c0000-7c1a-4e5d-8a57-3f0d5a3c9b11");
    event_unref(e);
}

static void test_forms(void **state)
{
    (void)state;
    struct event *e = accept_line("{\"event\":\"a\",\"fields\":{\"x\":{\"hook\":1},\"Hook\":2}}");
    assert_int_equal(e->form, EVENT_FIELDS);
    check_span(e->payload, "{\"x\":{\"hook\":1},\"Hook\":2}");
    event_unref(e);
    e = accept_line("{\"event\":\"a\",\"override\":{\"hook\":1}}");
    assert_int_equal(e->form, EVENT_OVERRIDE);
    check_span(e->payload, "{\"hook\":1}");
    event_unref(e);
    static const char *const values[] = {"null", "true", "false", "0",           "-0.0e-5",
                                         "\"\"", "[]",   "1e999", "\"\\ud800\"", "[[]]"};
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char line[128];
        (void)snprintf(line, sizeof line, "{\"event\":\"a\",\"data\":%s}", values[i]);
        e = accept_line(line);
        check_span(e->payload, values[i]);
        event_unref(e);
    }
    // Deeper names may stand twice, and are kept.
    e = accept_line("{\"event\":\"a\",\"data\":{\"a\":1,\"a\":2}}");
    check_span(e->payload, "{\"a\":1,\"a\":2}");
    event_unref(e);
    e = accept_line("{\"event\":\"a\",\"fields\":{\"a\":{\"b\":1,\"b\":2}}}");
    event_unref(e);
}

static struct span nested(char *line, size_t size, unsigned depth)
{
    // The line's object is one, data has the others.
    int len = snprintf(line, size, "{\"event\":\"a\",\"data\":");
    memset(line + len, '[', depth - 1);
    memset(line + len + depth - 1, ']', depth - 1);
    line[(size_t)len + 2 * (depth - 1)] = '}';
    return span_make(line, (size_t)len + 2 * (depth - 1) + 1);
}

static void test_depth_counts_from_the_line(void **state)
{
    (void)state;
    char line[512];
    struct event *e = accept_span(nested(line, sizeof line, 64));
    assert_int_equal(e->payload.len, 126);
    event_unref(e);
    const char *reply = refuse_span(nested(line, sizeof line, 65));
    assert_non_null(strstr(reply, "\"code\":\"bad_json\""));
    assert_non_null(strstr(reply, "\"offset\":83")); // the 65th bracket
}

static void test_lengths(void **state)
{
    (void)state;
    static const char *const fields[] = {"event", "id", "tenant", "key", "ref"};
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        char line[512];
        char name[130];
        memset(name, 'x', sizeof name);
        bool is_event = i == 0;
        const char *event = is_event ? "" : "\"event\":\"a\",";
        (void)snprintf(line, sizeof line, "{%s\"data\":1,\"%s\":\"%.128s\"}", event, fields[i],
                       name);
        event_unref(accept_line(line));
        (void)snprintf(line, sizeof line, "{%s\"data\":1,\"%s\":\"%.129s\"}", event, fields[i],
                       name);
        assert_non_null(strstr(refuse_span(span_of(line)), "\"code\":\"bad_field\""));
    }
    // It is the decoded bytes that count, and not how they are written.
    char line[1024] = "{\"event\":\"a\",\"data\":1,\"id\":\"";
    for (int i = 0; i < 128; i++)
        memcpy(line + strlen(line), "\\u0061", 7);
    memcpy(line + strlen(line), "\"}", 3);
    struct event *e = accept_line(line);
    assert_int_equal(e->key_id.len, 128);
    event_unref(e);
}

static void test_epoch_is_a_time(void **state)
{
    (void)state;
    struct event *e =
        accept_line("{\"event\":\"a\",\"data\":1,\"expires_at\":\"1970-01-01T00:00:00Z\","
                    "\"deliver_at\":\"1960-01-01T00:00:00Z\"}");
    assert_int_equal(e->expires_at_ms, 1); // 0 would mean never
    assert_true(e->deliver_at_ms < 0);
    event_unref(e);
}

// ---- what is refused ---------------------------------------------------------------------------

static const struct {
    const char *line, *code, *rest; // message, and what else the error holds
} refusals[] = {
    // bad_json: see also below, because the parser's messages are its own matter
    {"{\"event\":\"a\",\"event\":\"b\",\"data\":1}", "bad_json",
     "\"the name \\\"event\\\" stands twice in one object\",\"offset\":13"},
    {"{\"x\":1,\"event\":\"a\",\"\\u0078\":2}", "bad_json",
     "\"the name \\\"\\\\u0078\\\" stands twice in one object\",\"offset\":19"},
    {"{\"event\":\"a\",\"fields\":{\"b\":1,\"b\":2}}", "bad_json",
     "\"the name \\\"b\\\" stands twice in one object\",\"offset\":29"},
    {" {\"event\":\"a\",\"override\":{\"b\":1,\"\\u0062\":2}}", "bad_json",
     "\"the name \\\"\\\\u0062\\\" stands twice in one object\",\"offset\":32"},
    // not_an_object
    {"[]", "not_an_object", "\"the line must be a JSON object: {\\\"event\\\": \xe2\x80\xa6}\""},
    {"null", "not_an_object", "\"the line must be a JSON object: {\\\"event\\\": \xe2\x80\xa6}\""},
    {"\"{}\"", "not_an_object",
     "\"the line must be a JSON object: {\\\"event\\\": \xe2\x80\xa6}\""},
    // missing_field
    {"{}", "missing_field", "\"\\\"event\\\" is needed: the event's name\""},
    {"{\"data\":1}", "missing_field", "\"\\\"event\\\" is needed: the event's name\""},
    {"{\"event\":\"a\"}", "missing_field",
     "\"one of \\\"data\\\", \\\"fields\\\" and \\\"override\\\" is needed\""},
    // unknown_field
    {"{\"evnt\":\"request.added\"}", "unknown_field",
     "\"unknown field \\\"evnt\\\"; did you mean \\\"event\\\"?\""},
    {"{\"event\":\"a\",\"data\":1,\"zzzzzzzz\":1}", "unknown_field",
     "\"unknown field \\\"zzzzzzzz\\\"\""},
    {"{\"event\":\"a\",\"data\":1,\"Event\":1}", "unknown_field",
     "\"unknown field \\\"Event\\\"; did you mean \\\"event\\\"?\""},
    {"{\"event\":\"a\",\"data\":1,\"\":1}", "unknown_field", "\"unknown field \\\"\\\"\""},
    {"{\"event\":\"a\",\"data\":1,\"tiem\":1}", "unknown_field",
     "\"unknown field \\\"tiem\\\"; did you mean \\\"time\\\"?\""},
    // bad_field
    {"{\"event\":5,\"data\":1}", "bad_field",
     "\"\\\"event\\\" must be a name: 1 to 128 of A-Z a-z 0-9 _ . -\""},
    {"{\"event\":\"\",\"data\":1}", "bad_field",
     "\"\\\"event\\\" must be a name: 1 to 128 of A-Z a-z 0-9 _ . -\""},
    {"{\"event\":\"a b\",\"data\":1}", "bad_field",
     "\"\\\"event\\\" must be a name: 1 to 128 of A-Z a-z 0-9 _ . -\""},
    {"{\"event\":\"\\u00e9\",\"data\":1}", "bad_field",
     "\"\\\"event\\\" must be a name: 1 to 128 of A-Z a-z 0-9 _ . -\""},
    {"{\"event\":null,\"data\":1}", "bad_field",
     "\"\\\"event\\\" must be a name: 1 to 128 of A-Z a-z 0-9 _ . -\""},
    {"{\"event\":\"a\",\"data\":1,\"id\":\"\"}", "bad_field",
     "\"\\\"id\\\" must be a text of 1 to 128 bytes\""},
    {"{\"event\":\"a\",\"data\":1,\"id\":7}", "bad_field",
     "\"\\\"id\\\" must be a text of 1 to 128 bytes\""},
    {"{\"event\":\"a\",\"data\":1,\"id\":\"a\\nb\"}", "bad_field",
     "\"\\\"id\\\" must not hold control characters\""},
    {"{\"event\":\"a\",\"data\":1,\"tenant\":\"\\u0000\"}", "bad_field",
     "\"\\\"tenant\\\" must not hold control characters\""},
    {"{\"event\":\"a\",\"data\":1,\"tenant\":null}", "bad_field",
     "\"\\\"tenant\\\" must be a text of 1 to 128 bytes\""},
    {"{\"event\":\"a\",\"data\":1,\"key\":[]}", "bad_field",
     "\"\\\"key\\\" must be a text of 1 to 128 bytes\""},
    {"{\"event\":\"a\",\"fields\":[]}", "bad_field", "\"\\\"fields\\\" must be an object\""},
    {"{\"event\":\"a\",\"fields\":null}", "bad_field", "\"\\\"fields\\\" must be an object\""},
    {"{\"event\":\"a\",\"override\":\"x\"}", "bad_field", "\"\\\"override\\\" must be an object\""},
    {"{\"event\":\"a\",\"fields\":{\"x\":1,\"hook\":{}}}", "bad_field",
     "\"\\\"fields\\\" must not hold \\\"hook\\\": the engine puts its own there\""},
    {"{\"event\":\"a\",\"fields\":{\"\\u0068ook\":{}}}", "bad_field",
     "\"\\\"fields\\\" must not hold \\\"hook\\\": the engine puts its own there\""},
    {"{\"event\":\"a\",\"data\":1,\"fields\":{}}", "bad_field",
     "\"\\\"data\\\" and \\\"fields\\\" cannot stand together\""},
    {"{\"event\":\"a\",\"override\":{},\"fields\":{}}", "bad_field",
     "\"\\\"fields\\\" and \\\"override\\\" cannot stand together\""},
    {"{\"event\":\"a\",\"override\":{},\"data\":null}", "bad_field",
     "\"\\\"data\\\" and \\\"override\\\" cannot stand together\""},
    {"{\"event\":\"a\",\"data\":1,\"webhook\":\"x\"}", "bad_field",
     "\"\\\"webhook\\\" must be a webhook's uuid\""},
    {"{\"event\":\"a\",\"data\":1,\"webhook\":\"5f0c00007c1a4e5d8a573f0d5a3c9b11\"}", "bad_field",
     "\"\\\"webhook\\\" must be a webhook's uuid\""},
    {"{\"event\":\"a\",\"data\":1,\"deliver_at\":\"2026-01-01T00:00:00Z\","
     "\"expires_at\":\"2026-01-01T00:00:00Z\"}",
     "bad_field", "\"\\\"expires_at\\\" must be after \\\"deliver_at\\\"\""},
    {"{\"event\":\"a\",\"data\":1,\"deliver_at\":\"2026-01-01T00:00:00Z\","
     "\"expires_at\":\"2026-01-01T00:59:59+01:00\"}",
     "bad_field", "\"\\\"expires_at\\\" must be after \\\"deliver_at\\\"\""},
    {"{\"event\":\"a\",\"data\":1,\"ref\":5}", "bad_field",
     "\"\\\"ref\\\" must be a text of at most 128 bytes\""},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refusals); i++)
        assert_string_equal(refuse_span(span_of(refusals[i].line)),
                            error(refusals[i].code, refusals[i].rest));
}

static void test_bad_times(void **state)
{
    (void)state;
    static const char *const times[] = {
        "\"2026-01-01T00:00:00\"",             // no zone
        "\"2026-01-01\"",                      // no time
        "\"2026-02-30T00:00:00Z\"",            // no such day
        "\"2026-01-01T24:00:00Z\"",            // no such hour
        "\"2026-01-01T00:00:00.Z\"",           // no digit
        "\"2026-01-01T00:00:00.1234567890Z\"", // too many
        "\"2026-01-01 00:00:00 +0100\"",
        "1767225600",
        "\"\"",
        "null",
    };
    static const char *const fields[] = {"time", "deliver_at", "expires_at"};
    for (size_t i = 0; i < COUNT_OF(times) * COUNT_OF(fields); i++) {
        const char *field = fields[i % COUNT_OF(fields)];
        char line[256];
        char expected[512];
        (void)snprintf(line, sizeof line, "{\"event\":\"a\",\"data\":1,\"%s\":%s}", field,
                       times[i / COUNT_OF(fields)]);
        (void)snprintf(
            expected, sizeof expected,
            "{\"ok\":false,\"error\":{\"code\":\"bad_field\",\"message\":\"\\\"%s\\\" must "
            "be an RFC 3339 time with a zone, such as \\\"2026-11-23T14:03:22Z\\\"\"}}",
            field);
        assert_string_equal(refuse_span(span_of(line)), expected);
    }
}

static void test_traceparents(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_good;
    } traces[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what.comes", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", false},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x", false},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
        {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-\\r\\nX: y", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(traces); i++) {
        char line[256];
        (void)snprintf(line, sizeof line, "{\"event\":\"a\",\"data\":1,\"traceparent\":\"%s\"}",
                       traces[i].text);
        if (traces[i].is_good)
            event_unref(accept_line(line));
        else
            assert_non_null(strstr(refuse_span(span_of(line)), "\"code\":\"bad_field\""));
    }
}

static void test_bad_json_says_where(void **state)
{
    (void)state;
    static const struct {
        struct span line;
        const char *offset;
    } lines[] = {
        {{"", 0}, "\"offset\":0}"},
        {{"\r", 1}, "\"offset\":1}"},
        {{"{\"event\":\"a\"", 12}, "\"offset\":12}"},
        {{"{\"event\":\"a\",}", 14}, "\"offset\":12}"},
        {{"{\"event\":\"a\\x\"}", 15}, "\"offset\":1"},
        {{"{\"event\":\"\xff\"}", 13}, "\"offset\":10}"},
        {{"{\"event\":\"\xed\xa0\x80\"}", 15}, "\"offset\":10}"}, // a raw surrogate
        {{"{\"event\":\"a\0\"}", 14}, "\"offset\":11}"},
        {{"{\"event\":NaN}", 13}, "\"offset\":9}"},
        {{"{}{}", 4}, "\"offset\":2}"},
        {{"{'event':1}", 11}, "\"offset\":1}"},
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const char *reply = refuse_span(lines[i].line);
        if (strstr(reply, "\"code\":\"bad_json\"") == NULL ||
            strstr(reply, lines[i].offset) == NULL)
            fail_msg("%.*s: %s", SPAN_ARGS(lines[i].line), reply);
        assert_null(strstr(reply, "\"ref\""));
    }
}

static void test_ref_comes_back(void **state)
{
    (void)state;
    struct event *event = NULL;
    struct wire_reply reply;
    struct span line = SPAN("{\"ref\":\"a\\\"\\u00e9\\n\xc3\xa9\",\"event\":\"a\",\"data\":1}");
    assert_int_equal(wire_decode(wire, line, &producer, &event, &reply), OK);
    event_unref(event);
    assert_true(uid_parse(SPAN("01940c3e-7c1a-7e5d-8a57-3f0d5a3c9b11"), &reply.id));
    reply.deliveries = 2;
    assert_string_equal(print(&reply),
                        "{\"ok\":true,\"id\":\"01940c3e-7c1a-7e5d-8a57-3f0d5a3c9b11\","
                        "\"deliveries\":2,\"ref\":\"a\\\"\\u00e9\\n\xc3\xa9\"}");
    reply.is_duplicate = true;
    reply.has_ref = false;
    assert_string_equal(print(&reply),
                        "{\"ok\":true,\"id\":\"01940c3e-7c1a-7e5d-8a57-3f0d5a3c9b11\","
                        "\"deliveries\":2,\"duplicate\":true}");
    // With every mistake of a line that was an object.
    static const char *const lines[] = {
        "{\"x\":1,\"ref\":\"r\"}",
        "{\"ref\":\"r\",\"event\":1,\"event\":2}",
        "{\"event\":\"a\",\"ref\":\"r\"}",
        "{\"event\":1,\"ref\":\"r\"}",
        "{\"event\":\"a\",\"data\":1,\"time\":1,\"ref\":\"r\"}",
        "{\"event\":\"a\",\"fields\":{\"a\":1,\"a\":1},\"ref\":\"r\"}",
    };
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const char *text = refuse_span(span_of(lines[i]));
        assert_non_null(strstr(text, "},\"ref\":\"r\"}"));
    }
    // But not one that is none, or of which there are two.
    assert_null(strstr(refuse_span(SPAN("{\"ref\":1}")), ",\"ref\""));
    assert_null(strstr(refuse_span(SPAN("{\"ref\":\"a\",\"ref\":\"b\"}")), ",\"ref\""));
}

static void test_known_events(void **state)
{
    (void)state;
    const struct span names[] = {SPAN("request.added"), SPAN("request.updated")};
    const struct wire_rules rules = {names, COUNT_OF(names)};
    wire_free(wire);
    wire = wire_new(&rules);
    event_unref(accept_line("{\"event\":\"request.updated\",\"data\":1}"));
    assert_string_equal(
        refuse_span(SPAN("{\"event\":\"request.adde\",\"data\":1}")),
        "{\"ok\":false,\"error\":{\"code\":\"unknown_event\",\"message\":\"the event "
        "\\\"request.adde"
        "\\\" is not in the configured list; did you mean \\\"request.added\\\"?\"}}");
    assert_non_null(strstr(refuse_span(SPAN("{\"event\":\"x\",\"data\":1,\"ref\":\"r\"}")),
                           "is not in the configured list\"},\"ref\":\"r\"}"));
}

static void test_long_names_are_cut(void **state)
{
    (void)state;
    char line[70000] = "{\"";
    for (size_t i = 2; i + 2 < 60000; i += 2)
        memcpy(line + i, "\xc3\xa9", 2);
    memcpy(line + 60000, "\":1}", 4);
    const char *reply = refuse_span(span_make(line, 60004));
    assert_true(strlen(reply) < 250);
    assert_null(strstr(reply, "\xef\xbf\xbd")); // no half character
}

// ---- idempotency -------------------------------------------------------------------------------

static void hash_of(const char *line, uint8_t hash[32])
{
    struct event *e = accept_line(line);
    memcpy(hash, e->content_hash, 32);
    event_unref(e);
}

static void test_content_hash(void **state)
{
    (void)state;
    static const char base[] = "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1}}";
    static const char *const same[] = {
        "{\"data\":{\"a\":1},\"event\":\"\\u0061\",\"id\":\"i\"}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"time\":\"2026-01-01T00:00:00Z\"}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"ref\":\"x\"}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"tenant\":\"default\"}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"deliver_at\":\"2026-01-01T00:00:00Z\"}",
    };
    static const char for_one_webhook[] = "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},"
                                          "\"webhook\":\"5f0c0000-7c1a-4e5d-8a57-3f0d5a3c9b11\"}";
    static const char *const other[] = {
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\": 1}}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1.0}}",
        "{\"event\":\"b\",\"id\":\"i\",\"data\":{\"a\":1}}",
        "{\"event\":\"a\",\"id\":\"i\",\"fields\":{\"a\":1}}",
        "{\"event\":\"a\",\"id\":\"i\",\"override\":{\"a\":1}}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"tenant\":\"t\"}",
        "{\"event\":\"a\",\"id\":\"i\",\"data\":{\"a\":1},\"key\":\"k\"}",
        for_one_webhook,
    };
    uint8_t first[32];
    uint8_t hash[32];
    hash_of(base, first);
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        hash_of(same[i], hash);
        assert_memory_equal(first, hash, 32);
    }
    for (size_t i = 0; i < COUNT_OF(other); i++) {
        hash_of(other[i], hash);
        assert_memory_not_equal(first, hash, 32);
    }
}

// ---- replies -----------------------------------------------------------------------------------

static void test_codes(void **state)
{
    (void)state;
    static const char *const names[] = {
        "ok",           "bad_json",          "not_an_object",  "missing_field",   "unknown_field",
        "bad_field",    "unknown_event",     "unknown_tenant", "unknown_webhook", "too_large",
        "id_reused",    "store_unavailable", "rate_limited",   "quota_exceeded",  "not_allowed",
        "shutting_down"};
    assert_int_equal(COUNT_OF(names), WIRE_CODE_COUNT);
    for (int i = 0; i < WIRE_CODE_COUNT; i++)
        assert_string_equal(wire_code_name((enum wire_code)i), names[i]);
    assert_int_equal(wire_code_status(WIRE_OK), 200);
    assert_int_equal(wire_code_status(WIRE_ID_REUSED), 409);
}

static void test_printing_of_errors(void **state)
{
    (void)state;
    struct wire_reply reply = {0};
    wire_refuse(&reply, WIRE_RATE_LIMITED, "more than %d a second", 5);
    reply.retry_ms = 250;
    assert_string_equal(print(&reply), "{\"ok\":false,\"error\":{\"code\":\"rate_limited\","
                                       "\"message\":\"more than 5 a second\",\"retry_ms\":250}}");
    // The longest reply fits what the header promises.
    memset(reply.message, 1, sizeof reply.message - 1);
    for (size_t i = 0; i < WIRE_MAX_REF; i++)
        memcpy(reply.ref + i * 6, "\\u0001", 7);
    reply.has_ref = true;
    reply.has_offset = true;
    reply.offset = SIZE_MAX;
    reply.retry_ms = INT64_MAX;
    assert_true(strlen(print(&reply)) > 2000);
}

// The one that must be quick: a usual line, as it is, of about a kilobyte.
static void test_speed(void **state)
{
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/tests/support/request_added.json", SOURCE_DIR);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        skip();
    char line[4096] = "{\"event\":\"request.added\",\"data\":";
    size_t len = strlen(line);
    len += fread(line + len, 1, sizeof line - len - 2, file);
    fclose(file);
    while (line[len - 1] == '\n')
        len--;
    line[len++] = '}';
    int64_t best = INT64_MAX;
    for (int round = 0; round < 20; round++) {
        int64_t start = clock_thread_cpu_ns();
        for (int i = 0; i < 500; i++)
            event_unref(accept_span(span_make(line, len)));
        int64_t each = (clock_thread_cpu_ns() - start) / 500;
        best = each < best ? each : best;
    }
    print_message("a line of %zu bytes: %lld ns\n", len, (long long)best);
    assert_true(best <
                100000); // builds for debugging are slow; see tests/bench for the real figure
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_smallest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forms, setup, teardown),
        cmocka_unit_test_setup_teardown(test_depth_counts_from_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
        cmocka_unit_test_setup_teardown(test_epoch_is_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_times, setup, teardown),
        cmocka_unit_test_setup_teardown(test_traceparents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_json_says_where, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ref_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_known_events, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_names_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(test_content_hash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_codes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_printing_of_errors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_speed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
