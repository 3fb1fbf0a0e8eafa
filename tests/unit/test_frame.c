// SPDX-License-Identifier: MIT
// The wire between engine and script host: what is put comes back, and what may not be said is forged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/pack.h"
#include "script/frame.h"

static void assert_span(struct span actual, const char *expected)
{
    if (!span_is(actual, expected))
        fail_msg("\"%.*s\" is not \"%s\"", SPAN_ARGS(actual), expected);
}

// ---- headers ----

// A frame of that kind around a payload of `len` bytes.
static void put(struct buf *out, enum frame_kind kind, size_t len)
{
    struct frame header = {.kind = kind, .id = 7, .number = 8, .result = 2};
    size_t begin = frame_begin(out, &header);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf_append_char(out, 'x'), OK);
    frame_end(out, begin);
}

static void test_takes_what_was_put(void **state)
{
    (void)state;
    struct buf out;
    struct frame frame;
    buf_init(&out, 1024);
    put(&out, FRAME_RENDER, 3);
    put(&out, FRAME_FORGET, 0);
    struct span rest = buf_span(&out);
    assert_int_equal(frame_take(&rest, FRAME_ENGINE, &frame), FRAME_WHOLE);
    assert_int_equal(frame.kind, FRAME_RENDER);
    assert_int_equal(frame.id, 7);
    assert_int_equal(frame.number, 8);
    assert_int_equal(frame.result, 2);
    assert_span(frame.payload, "xxx");
    assert_int_equal(frame_take(&rest, FRAME_ENGINE, &frame), FRAME_WHOLE);
    assert_int_equal(frame.payload.len, 0);
    assert_int_equal(rest.len, 0);
    assert_int_equal(frame_take(&rest, FRAME_ENGINE, &frame), FRAME_PARTIAL);
    buf_deinit(&out);
}

static void test_waits_for_the_rest(void **state)
{
    (void)state;
    struct buf out;
    struct frame frame;
    buf_init(&out, 1024);
    put(&out, FRAME_ANSWER, 5);
    for (size_t len = 0; len < out.len; len++) {
        struct span rest = span_make(out.at, len);
        assert_int_equal(frame_take(&rest, FRAME_HOST, &frame), FRAME_PARTIAL);
        assert_int_equal(rest.len, len);
        assert_int_equal(frame.len, len < FRAME_HEADER_LEN ? 0 : 5);
    }
    buf_deinit(&out);
}

static void test_nobody_says_what_the_other_says(void **state)
{
    (void)state;
    static const enum frame_side said_by[] = {
#define X(name, side, text) [FRAME_##name] = FRAME_##side,
#include "script/frame.def"
#undef X
    };
    for (unsigned kind = 0; kind < FRAME_KIND_COUNT + 2; kind++) {
        struct buf out;
        struct frame frame;
        buf_init(&out, 1024);
        put(&out, (enum frame_kind)kind, 1);
        for (int side = FRAME_ENGINE; side <= FRAME_HOST; side++) {
            struct span rest = buf_span(&out);
            bool is_right = kind < FRAME_KIND_COUNT && said_by[kind] == (enum frame_side)side;
            assert_int_equal(frame_take(&rest, (enum frame_side)side, &frame),
                             is_right ? FRAME_WHOLE : FRAME_FORGED);
        }
        buf_deinit(&out);
    }
}

// Before the payload has come: nobody waits for what is refused anyway.
static void test_refuses_lengths_and_reserved_bits(void **state)
{
    (void)state;
    struct buf out;
    struct frame frame;
    const uint32_t lens[] = {FRAME_MAX_FROM_HOST, FRAME_MAX_FROM_HOST + 1, UINT32_MAX};
    const enum frame_step steps[] = {FRAME_PARTIAL, FRAME_FORGED, FRAME_FORGED};
    buf_init(&out, 1024);
    put(&out, FRAME_ANSWER, 0);
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        memcpy(out.at, &lens[i], sizeof(lens[i]));
        struct span rest = buf_span(&out);
        assert_int_equal(frame_take(&rest, FRAME_HOST, &frame), steps[i]);
    }
    memset(out.at, 0, 4);
    out.at[FRAME_HEADER_LEN - 1] = 1;
    struct span rest = buf_span(&out);
    assert_int_equal(frame_take(&rest, FRAME_HOST, &frame), FRAME_FORGED);
    buf_deinit(&out);
}

// ---- payloads ----

// Every shorter and longer payload is malformed.
#define ASSERT_NOTHING_ELSE(name, payload, read)                                   \
    do {                                                                           \
        for (size_t len_ = 0; len_ < (payload).len; len_++)                        \
            assert_false(frame_get_##name(span_make((payload).at, len_), (read))); \
        assert_int_equal(buf_append_char(&(payload), 0), OK);                      \
        assert_false(frame_get_##name(buf_span(&(payload)), (read)));              \
        buf_deinit(&(payload));                                                    \
    } while (0)

static void test_script(void **state)
{
    (void)state;
    struct buf out;
    struct frame_script in = {SPAN("slack"), SPAN("1a2b"), SPAN("return {}")};
    struct frame_script read;
    buf_init(&out, 4096);
    frame_put_script(&out, &in);
    assert_true(frame_get_script(buf_span(&out), &read));
    assert_span(read.name, "slack");
    assert_span(read.version, "1a2b");
    assert_span(read.source, "return {}");
    ASSERT_NOTHING_ELSE(script, out, &read);
}

static void test_webhook(void **state)
{
    (void)state;
    struct buf out;
    static struct frame_webhook in;
    static struct frame_webhook read;
    in = (struct frame_webhook){.uuid = SPAN("uuid"),
                                .tenant = SPAN("default"),
                                .extra_payload = SPAN("{}"),
                                .is_into_data = true,
                                .script_count = 2,
                                .secret_count = 1,
                                .env_count = 1,
                                .scripts = {{1, SPAN("{\"a\":1}")}, {UINT32_MAX, SPAN("")}},
                                .secrets = {{SPAN("whsec_x"), -1}},
                                .env = {{SPAN("NAME"), SPAN("value"), false}}};
    buf_init(&out, 4096);
    frame_put_webhook(&out, &in);
    assert_true(frame_get_webhook(buf_span(&out), &read));
    assert_span(read.uuid, "uuid");
    assert_span(read.name, "");
    assert_true(read.is_into_data);
    assert_int_equal(read.script_count, 2);
    assert_int_equal(read.scripts[1].script, UINT32_MAX);
    assert_span(read.scripts[0].options, "{\"a\":1}");
    assert_int_equal(read.secrets[0].expires_ms, -1);
    assert_span(read.env[0].value, "value");
    ASSERT_NOTHING_ELSE(webhook, out, &read);
}

static struct frame_visit sample_visit(struct frame_pair *headers)
{
    headers[0] = (struct frame_pair){.name = SPAN("a"), .value = SPAN("b")};
    headers[1] = (struct frame_pair){.name = SPAN("c"), .is_secret = true};
    return (struct frame_visit){.memory_bytes = 1u << 30,
                                .event_name = SPAN("request.added"),
                                .form = 3,
                                .is_in_body = true,
                                .data_at = 4,
                                .data_len = 2,
                                .attempt = 9,
                                .started_ms = INT64_MIN,
                                .body = SPAN("abc {}"),
                                .header_count = 2,
                                .headers = headers,
                                .status = 999,
                                .is_truncated = true,
                                .response = SPAN("ok")};
}

static void test_visit(void **state)
{
    (void)state;
    struct buf out;
    struct frame_pair headers[FRAME_MAX_HEADERS];
    struct frame_pair read_headers[FRAME_MAX_HEADERS];
    struct frame_visit in = sample_visit(headers);
    struct frame_visit read = {.headers = read_headers};
    buf_init(&out, 4096);
    frame_put_visit(&out, &in);
    assert_true(frame_get_visit(buf_span(&out), &read));
    assert_int_equal(read.memory_bytes, 1u << 30);
    assert_int_equal(read.form, 3);
    assert_true(read.is_in_body);
    assert_int_equal(read.started_ms, INT64_MIN);
    assert_span(read.body, "abc {}");
    assert_int_equal(read.header_count, 2);
    assert_span(read_headers[0].value, "b");
    assert_true(read_headers[1].is_secret);
    assert_int_equal(read.status, 999);
    assert_true(read.is_truncated);
    assert_span(read.response, "ok");
    ASSERT_NOTHING_ELSE(visit, out, &read);
}

static void test_data_lies_in_the_body(void **state)
{
    (void)state;
    const uint64_t wrong[][2] = {{5, 2}, {0, 7}, {7, 0}, {UINT64_MAX, 1}, {1, UINT64_MAX}};
    struct frame_pair headers[FRAME_MAX_HEADERS];
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct buf out;
        struct frame_visit in = sample_visit(headers);
        buf_init(&out, 4096);
        in.data_at = wrong[i][0];
        in.data_len = wrong[i][1];
        frame_put_visit(&out, &in);
        assert_false(frame_get_visit(buf_span(&out), &in));
        in = sample_visit(headers);
        buf_deinit(&out);
    }
}

static void test_answer(void **state)
{
    (void)state;
    struct buf out;
    struct frame_pair headers[FRAME_MAX_HEADERS] = {{SPAN("x-sig"), SPAN("v1"), true}};
    struct frame_answer in = {.reason = SPAN("why"),
                              .logs = SPAN("info a: b\n"),
                              .script = FRAME_MAX_SCRIPTS,
                              .used_count = 2,
                              .used = {{true, 7, UINT32_MAX}, {false, 0, 0}},
                              .method = SPAN("PUT"),
                              .url = SPAN("https://x"),
                              .body = SPAN("{}"),
                              .header_count = 1,
                              .headers = headers,
                              .verdict = FRAME_DISABLE,
                              .after_ms = 60000};
    struct frame_pair read_headers[FRAME_MAX_HEADERS];
    struct frame_answer read = {.headers = read_headers};
    buf_init(&out, 4096);
    frame_put_answer(&out, &in);
    assert_true(frame_get_answer(buf_span(&out), &read));
    assert_span(read.reason, "why");
    assert_span(read.logs, "info a: b\n");
    assert_int_equal(read.script, FRAME_MAX_SCRIPTS);
    assert_int_equal(read.used_count, 2);
    assert_true(read.used[0].has_run && !read.used[1].has_run);
    assert_int_equal(read.used[0].cpu_us, 7);
    assert_int_equal(read.used[0].memory_bytes, UINT32_MAX);
    assert_span(read.method, "PUT");
    assert_true(read_headers[0].is_secret);
    assert_int_equal(read.verdict, FRAME_DISABLE);
    assert_int_equal(read.after_ms, 60000);
    ASSERT_NOTHING_ELSE(answer, out, &read);
}

static bool is_believed(const struct frame_answer *answer)
{
    struct buf out;
    struct frame_pair headers[FRAME_MAX_HEADERS];
    struct frame_answer read = {.headers = headers};
    buf_init(&out, 2 * FRAME_MAX_FROM_HOST);
    frame_put_answer(&out, answer);
    bool is_good = frame_get_answer(buf_span(&out), &read);
    buf_deinit(&out);
    return is_good;
}

static void test_answers_have_bounds(void **state)
{
    (void)state;
    static char big[FRAME_MAX_OUTPUT + 1];
    static struct frame_pair many[FRAME_MAX_HEADERS + 1];
    struct frame_answer most = {.reason = span_make(big, FRAME_MAX_REASON),
                                .logs = span_make(big, FRAME_MAX_LOGS),
                                .body = span_make(big, FRAME_MAX_OUTPUT),
                                .header_count = FRAME_MAX_HEADERS,
                                .headers = many};
    assert_true(is_believed(&most));
    struct frame_answer answer = most;
    answer.reason.len++;
    assert_false(is_believed(&answer));
    answer = most;
    answer.logs.len++;
    assert_false(is_believed(&answer));
    answer = most;
    answer.body.len++;
    assert_false(is_believed(&answer));
    answer = most;
    answer.header_count++;
    assert_false(is_believed(&answer));
    answer = most;
    answer.script = FRAME_MAX_SCRIPTS + 1;
    assert_false(is_believed(&answer));
    answer = most;
    answer.used_count = FRAME_MAX_SCRIPTS;
    assert_true(is_believed(&answer));
    answer.used_count = FRAME_MAX_SCRIPTS + 1;
    assert_false(is_believed(&answer));
    answer = most;
    answer.verdict = FRAME_DISABLE + 1;
    assert_false(is_believed(&answer));
    answer = most;
    answer.is_body_same = true;
    assert_false(is_believed(&answer));
}

static void test_checks(void **state)
{
    (void)state;
    struct buf out;
    struct frame_checked in = {.reason = SPAN(""),
                               .description = SPAN("{}"),
                               .results = SPAN("[]"),
                               .functions = (1u << FRAME_FUNCTIONS) - 1,
                               .tests = 12};
    struct frame_checked read;
    buf_init(&out, 4096);
    frame_put_checked(&out, &in);
    assert_true(frame_get_checked(buf_span(&out), &read));
    assert_span(read.description, "{}");
    assert_int_equal(read.functions, 15);
    assert_int_equal(read.tests, 12);
    ASSERT_NOTHING_ELSE(checked, out, &read);
    buf_init(&out, 4096);
    in.functions++;
    frame_put_checked(&out, &in);
    assert_false(frame_get_checked(buf_span(&out), &read));
    buf_deinit(&out);
}

static void test_problems(void **state)
{
    (void)state;
    struct buf out;
    static struct frame_problems in;
    static struct frame_problems read;
    in.count = FRAME_MAX_PROBLEMS;
    in.list[FRAME_MAX_PROBLEMS - 1] =
        (struct frame_pair){.name = SPAN("scripts.0.options.x"), .value = SPAN("is unknown")};
    buf_init(&out, 4096);
    frame_put_problems(&out, &in);
    assert_true(frame_get_problems(buf_span(&out), &read));
    assert_int_equal(read.count, FRAME_MAX_PROBLEMS);
    assert_span(read.list[FRAME_MAX_PROBLEMS - 1].value, "is unknown");
    ASSERT_NOTHING_ELSE(problems, out, &read);
}

static void test_a_full_buffer_shows(void **state)
{
    (void)state;
    struct buf out;
    struct frame header = {.kind = FRAME_SCRIPT};
    struct frame_script script = {.source = SPAN("0123456789")};
    buf_init(&out, FRAME_HEADER_LEN + 4);
    size_t begin = frame_begin(&out, &header);
    frame_put_script(&out, &script);
    frame_end(&out, begin);
    assert_true(out.is_full);
    buf_deinit(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_was_put),
        cmocka_unit_test(test_waits_for_the_rest),
        cmocka_unit_test(test_nobody_says_what_the_other_says),
        cmocka_unit_test(test_refuses_lengths_and_reserved_bits),
        cmocka_unit_test(test_script),
        cmocka_unit_test(test_webhook),
        cmocka_unit_test(test_visit),
        cmocka_unit_test(test_data_lies_in_the_body),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_answers_have_bounds),
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_problems),
        cmocka_unit_test(test_a_full_buffer_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
