// SPDX-License-Identifier: MIT
// Tests of send/answer: lines, bounds, Retry-After in all its forms; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "send/answer.h"
#include "support/send_world.h"

static int setup(void **state)
{
    struct answer *answer = calloc(1, sizeof *answer);
    assert_non_null(answer);
    answer_init(answer);
    *state = answer;
    return 0;
}

static int teardown(void **state)
{
    answer_deinit(*state);
    free(*state);
    return 0;
}

static const char *add(struct answer *answer, const char *line)
{
    return answer_add_line(answer, span_of(line));
}

static void test_lines(void **state)
{
    struct answer *answer = *state;
    struct attempt *a = attempt_new(1, 64);
    assert_null(add(answer, "HTTP/1.1 103 Early Hints\r\n"));
    assert_null(add(answer, "Link: </a>\r\n"));
    assert_null(add(answer, "\r\n"));
    assert_false(answer->is_complete);
    assert_null(add(answer, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_null(add(answer, "Server:   x y  \r\n"));
    assert_null(add(answer, " folded\r\n"));
    assert_null(add(answer, "no colon\r\n"));
    assert_null(add(answer, ": no name\r\n"));
    assert_null(add(answer, "Empty:\r\n"));
    assert_null(add(answer, "RETRY-AFTER: 7\r\n"));
    assert_false(answer->is_complete);
    assert_null(add(answer, "\r\n"));
    assert_true(answer->is_complete);
    assert_null(add(answer, "X-Trailer: 1\r\n"));
    assert_true(answer_add_body(answer, SPAN("bo")));
    assert_true(answer_add_body(answer, SPAN("dy")));
    answer_fill(answer, a, 0);
    assert_int_equal(a->status, 429);
    assert_int_equal(a->response_header_count, 3);
    assert_span(a->response_headers[0].name, "Server");
    assert_span(a->response_headers[0].value, "x y");
    assert_span(a->response_headers[1].name, "Empty");
    assert_span(a->response_headers[1].value, "");
    assert_span(a->response, "body");
    assert_int_equal(a->retry_after_ms, 7000);
    attempt_free(a);
}

static void test_status_lines(void **state)
{
    struct answer *answer = *state;
    static const struct {
        const char *line;
        int status;
        bool is_fine;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\n", 200, true}, {"HTTP/1.0 200\r\n", 200, true},
        {"HTTP/1.1 200 \r\n", 200, true},   {"HTTP/1.1  200 OK\r\n", 200, true},
        {"HTTP/1.1 599 x\r\n", 599, true},  {"HTTP/1.1 100 x\r\n", 100, true},
        {"HTTP/1.1 101 x\r\n", 101, false}, {"HTTP/1.1 099 x\r\n", 99, false},
        {"HTTP/1.1 600 x\r\n", 600, false}, {"HTTP/1.1 20 x\r\n", 0, false},
        {"HTTP/1.1 2000 x\r\n", 0, false},  {"HTTP/1.1 abc\r\n", 0, false},
        {"HTTP/1.1\r\n", 0, false},         {"\r\n", 0, false},
        {"HTTP/1.1 -20 x\r\n", -20, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        answer_clear(answer);
        assert_int_equal(add(answer, rows[i].line) == NULL, rows[i].is_fine);
        assert_int_equal(answer->status, rows[i].status);
    }
}

static void test_bounds(void **state)
{
    struct answer *answer = *state;
    char line[1024];
    int count = 0;
    for (int i = 0; i < ANSWER_MAX_INTERIM; i++) {
        assert_null(add(answer, "HTTP/1.1 102 x\r\n"));
        assert_null(add(answer, "\r\n"));
    }
    assert_null(add(answer, "HTTP/1.1 102 x\r\n"));
    assert_non_null(add(answer, "\r\n"));
    answer_clear(answer);
    memset(line, 'a', sizeof line);
    memcpy(line, "X: ", 3);
    assert_null(add(answer, "HTTP/1.1 200 OK\r\n"));
    while (answer_add_line(answer, (struct span){line, sizeof line}) == NULL)
        count++;
    assert_int_equal(count, ANSWER_MAX_HEAD / (int)sizeof line - 1);
    answer_clear(answer);
    memset(line, 'b', sizeof line);
    for (int i = 0; i < ATTEMPT_MAX_RESPONSE / (int)sizeof line; i++)
        assert_true(answer_add_body(answer, (struct span){line, sizeof line}));
    assert_false(answer->is_cut);
    assert_false(answer_add_body(answer, SPAN("x")));
    assert_true(answer->is_cut);
    assert_int_equal(answer->body.len, ATTEMPT_MAX_RESPONSE);
}

static void test_many_headers(void **state)
{
    struct answer *answer = *state;
    struct attempt *a = attempt_new(1, 64);
    assert_null(add(answer, "HTTP/1.1 200 OK\r\n"));
    for (int i = 0; i < 1000; i++)
        assert_null(add(answer, "A: b\r\n"));
    assert_null(add(answer, "\r\n"));
    answer_fill(answer, a, 0);
    assert_int_equal(a->response_header_count, ANSWER_MAX_HEADERS);
    attempt_free(a);
}

static void test_retry_after(void **state)
{
    const int64_t now_ms = 784111777000; // Sun, 06 Nov 1994 08:49:37 GMT
    (void)state;
    static const struct {
        const char *value;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"1", 1000},
        {" 120 ", 120000},
        {"00060", 60000},
        {"86400", 86400000},
        {"31536000", ANSWER_MAX_RETRY_MS},
        {"31536001", ANSWER_MAX_RETRY_MS},
        {"1000000000000", ANSWER_MAX_RETRY_MS},
        {"99999999999999999999999999", ANSWER_MAX_RETRY_MS},
        {"", -1},
        {"-1", -1},
        {"+1", -1},
        {"1.5", -1},
        {"1e3", -1},
        {"0x10", -1},
        {"soon", -1},
        {"12 seconds", -1},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0},
        {"Sun, 06 Nov 1994 08:50:37 GMT", 60000},
        {"Sun, 06 Nov 1994 08:49:36 GMT", 0},
        {"Sunday, 06-Nov-94 08:51:37 GMT", 120000},
        {"Sun Nov  6 08:49:38 1994", 1000},
        {"Fri, 31 Dec 9999 23:59:59 GMT", ANSWER_MAX_RETRY_MS},
        {"Sun, 06 Nov 1994", -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t ms = answer_parse_retry(span_of(rows[i].value), now_ms);
        if (ms != rows[i].ms)
            fail_msg("\"%s\": %lld", rows[i].value, (long long)ms);
    }
}

// Lines of an answer; its Retry-After in ms, when our clock says 06 Nov 1994 08:49:37.
static int64_t told(struct answer *answer, const char *const *lines)
{
    struct attempt *a = attempt_new(1, 1000);
    answer_clear(answer);
    assert_null(add(answer, "HTTP/1.1 503 No\r\n"));
    for (; *lines != NULL; lines++)
        assert_null(add(answer, *lines));
    assert_null(add(answer, "\r\n"));
    answer_fill(answer, a, 784111777000);
    int64_t ms = a->retry_after_ms;
    attempt_free(a);
    return ms;
}

#define LATER  "Retry-After: Sun, 06 Nov 1994 09:49:37 GMT\r\n"
#define AHEAD  "Date: Sun, 06 Nov 1994 09:48:37 GMT\r\n"
#define BEHIND "Date: Sat, 05 Nov 1994 09:49:37 GMT\r\n"

static void test_the_clock_of_the_target(void **state)
{
    static const struct {
        const char *lines[3];
        int64_t ms;
    } rows[] = {
        {{LATER}, 3600000},
        {{AHEAD, LATER}, 60000},
        {{LATER, AHEAD}, 60000},
        {{BEHIND, LATER}, 86400000},
        {{LATER, "Date: soon\r\n"}, 3600000},
        {{"Retry-After: 5\r\n", BEHIND}, 5000},
        {{AHEAD, "Retry-After: soon\r\n"}, -1},
        {{AHEAD}, -1},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_int_equal(told(*state, rows[i].lines), rows[i].ms);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lines),        TEST(test_status_lines), TEST(test_bounds),
        TEST(test_many_headers), TEST(test_retry_after),  TEST(test_the_clock_of_the_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
