// SPDX-License-Identifier: MIT
// Requests are found in bytes however these come in, and what is no request is said to be none.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/incoming.h"

static struct incoming in;
static struct errmsg message;
static size_t used;

static int init(void **state)
{
    (void)state;
    incoming_init(&in);
    used = 0;
    return 0;
}

static int deinit(void **state)
{
    (void)state;
    incoming_deinit(&in);
    return 0;
}

static enum incoming_state parse(struct span bytes)
{
    message.text[0] = 0;
    return incoming_parse(&in, bytes, &used, &message);
}

#define PLAIN "POST /hook?x=1 HTTP/1.1\r\nHost: a\r\ncontent-length: 5\r\nX-Odd:  b \r\n\r\nhello"

// Byte by byte, as a slow sender would; what follows belongs to the next request.
static void test_plain(void **state)
{
    const struct span all = SPAN(PLAIN "GET / HTTP/1.1");
    (void)state;
    for (size_t len = 0; len < sizeof PLAIN - 1; len++)
        assert_int_equal(parse(span_make(all.at, len)), INCOMING_MORE);
    assert_int_equal(parse(all), INCOMING_DONE);
    assert_int_equal(used, sizeof PLAIN - 1);
    assert_true(span_is(in.line, "POST /hook?x=1 HTTP/1.1"));
    assert_true(span_is(in.method, "POST"));
    assert_true(span_is(in.target, "/hook?x=1"));
    assert_true(span_is(in.body, "hello"));
    assert_int_equal(in.header_count, 3);
    assert_true(span_is(in.headers[2].name, "X-Odd"));
    assert_true(span_is(incoming_find(&in, "x-odd")->value, "b"));
    assert_null(incoming_find(&in, "x"));
    assert_false(in.wants_close);
}

#define CHUNKED                                             \
    "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" \
    "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"

static void test_chunked(void **state)
{
    const struct span all = SPAN(CHUNKED);
    (void)state;
    for (size_t len = 0; len < all.len; len++)
        assert_int_equal(parse(span_make(all.at, len)), INCOMING_MORE);
    assert_int_equal(parse(all), INCOMING_DONE);
    assert_int_equal(used, all.len);
    assert_true(span_is(in.body, "abc0123456789"));
    assert_int_equal(parse(SPAN("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
                     INCOMING_BAD);
    assert_int_equal(
        parse(SPAN("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n")),
        INCOMING_BAD);
    assert_int_equal(parse(SPAN("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "fffffffffffffffff\r\n")),
                     INCOMING_BAD);
}

static void test_connection(void **state)
{
    (void)state;
    assert_int_equal(parse(SPAN("GET / HTTP/1.0\r\n\r\n")), INCOMING_DONE);
    assert_true(in.wants_close);
    assert_int_equal(in.body.len, 0);
    assert_int_equal(parse(SPAN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")),
                     INCOMING_DONE);
    assert_false(in.wants_close);
    assert_int_equal(parse(SPAN("GET / HTTP/1.1\nConnection: foo, CLOSE\n\n")), INCOMING_DONE);
    assert_true(in.wants_close);
    assert_int_equal(parse(SPAN("\r\nPOST / HTTP/1.1\r\nExpect: 100-continue\r\n"
                                "Content-Length: 3\r\n\r\n")),
                     INCOMING_MORE);
    assert_true(in.expects_continue);
    assert_true(in.line.len > 0);
}

static void test_bad(void **state)
{
    static const char *const texts[] = {
        "hello\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/2\r\n\r\n",
        " / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length: 100000000\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(parse(span_of(texts[i])), INCOMING_BAD);
        assert_true(message.text[0] != 0);
    }
}

// A head without an end is not waited for for ever.
static void test_bounds(void **state)
{
    struct buf bytes;
    (void)state;
    buf_init(&bytes, 1 << 20);
    (void)buf_append_text(&bytes, "GET / HTTP/1.1\r\n");
    for (int i = 0; i <= INCOMING_MAX_HEADERS; i++)
        (void)buf_append_format(&bytes, "X-%d: y\r\n", i);
    (void)buf_append_text(&bytes, "\r\n");
    assert_int_equal(parse(buf_span(&bytes)), INCOMING_BAD);
    buf_clear(&bytes);
    (void)buf_append_text(&bytes, "GET / HTTP/1.1\r\nX: ");
    while (bytes.len <= INCOMING_MAX_HEAD)
        (void)buf_append_char(&bytes, 'y');
    assert_int_equal(parse(buf_span(&bytes)), INCOMING_BAD);
    buf_deinit(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_plain, init, deinit),
        cmocka_unit_test_setup_teardown(test_chunked, init, deinit),
        cmocka_unit_test_setup_teardown(test_connection, init, deinit),
        cmocka_unit_test_setup_teardown(test_bad, init, deinit),
        cmocka_unit_test_setup_teardown(test_bounds, init, deinit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
