// SPDX-License-Identifier: MIT
// Tests of base/buf: appending, the maximum, reserving, consuming, giving away; one thread.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void expect(struct buf *buf, const char *wanted)
{
    assert_string_equal(buf_text(buf), wanted);
    assert_int_equal(buf->len, strlen(wanted));
    assert_true(span_is(buf_span(buf), wanted));
}

static void test_appends(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    assert_string_equal(buf_text(&buf), "");
    assert_null(buf.at);
    assert_int_equal(buf_append(&buf, "abc", 2), OK);
    assert_int_equal(buf_append_span(&buf, SPAN("-s-")), OK);
    assert_int_equal(buf_append_text(&buf, "text"), OK);
    assert_int_equal(buf_append_char(&buf, '!'), OK);
    assert_int_equal(buf_append_format(&buf, "%d%s", 42, "x"), OK);
    assert_int_equal(buf_append_uint64(&buf, 0), OK);
    assert_int_equal(buf_append_char(&buf, ' '), OK);
    assert_int_equal(buf_append_uint64(&buf, UINT64_MAX), OK);
    assert_int_equal(buf_append(&buf, NULL, 0), OK);
    expect(&buf, "ab-s-text!42x0 18446744073709551615");
    buf_deinit(&buf);
    assert_int_equal(buf.len, 0);
}

static void test_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 5);
    assert_int_equal(buf_append_text(&buf, "12345"), OK); // to the byte
    assert_false(buf.is_full);
    expect(&buf, "12345");
    assert_int_equal(buf_append(&buf, "", 0), OK);
    assert_int_equal(buf_append_char(&buf, '6'), ERR_FULL);
    assert_true(buf.is_full);
    expect(&buf, "12345");
    buf_clear(&buf);
    assert_int_equal(buf_append_text(&buf, "123456"), ERR_FULL); // dropped as a whole
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf_append_text(&buf, "1"), ERR_FULL); // and so is what follows
    assert_int_equal(buf.len, 0);
    assert_null(buf_reserve(&buf, 0));
    buf_clear(&buf);
    assert_int_equal(buf_append_format(&buf, "%06d", 7), ERR_FULL);
    assert_int_equal(buf.len, 0);
    buf_deinit(&buf);
    buf_init(&buf, 0);
    assert_int_equal(buf_append(&buf, "", 0), OK);
    assert_int_equal(buf_append_char(&buf, 'x'), ERR_FULL);
    buf_deinit(&buf);
}

static void test_long_format(void **state)
{
    (void)state;
    for (int width = 250; width < 260; width++) { // around the inner buffer
        struct buf buf;
        buf_init(&buf, 260);
        assert_int_equal(buf_append_format(&buf, "%0*d", width, 1), OK);
        assert_int_equal(buf.len, width);
        assert_int_equal(buf.at[width - 1], '1');
        buf_deinit(&buf);
        buf_init(&buf, (size_t)width - 1);
        assert_int_equal(buf_append_format(&buf, "%0*d", width, 1), ERR_FULL);
        assert_int_equal(buf.len, 0);
        buf_deinit(&buf);
    }
}

static void test_grows_to_its_maximum(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100003);
    for (size_t i = 0; i < 100003; i++)
        assert_int_equal(buf_append_char(&buf, (char)('a' + i % 26)), OK);
    assert_int_equal(buf_append_char(&buf, 'x'), ERR_FULL);
    for (size_t i = 0; i < 100003; i++)
        assert_int_equal(buf.at[i], 'a' + i % 26);
    assert_true(buf.capacity <= 100003);
    buf_clear(&buf);
    assert_true(buf.capacity > 0);
    buf_reset(&buf, 200000);
    assert_true(buf.capacity > 0);
    buf_reset(&buf, 1000);
    assert_int_equal(buf.capacity, 0);
    assert_int_equal(buf_append_text(&buf, "again"), OK);
    expect(&buf, "again");
    buf_deinit(&buf);
}

static void test_reserve_and_consume(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 10);
    char *room = buf_reserve(&buf, 10);
    assert_non_null(room);
    memcpy(room, "0123456789", 10);
    buf_commit(&buf, 8);
    expect(&buf, "01234567");
    buf_consume(&buf, 3);
    expect(&buf, "34567");
    buf_consume(&buf, 0);
    assert_null(buf_reserve(&buf, 6));
    assert_true(buf.is_full);
    buf_clear(&buf);
    room = buf_reserve(&buf, 5);
    assert_non_null(room);
    memcpy(room, "abcde", 5);
    buf_commit(&buf, 5);
    buf_consume(&buf, 5);
    expect(&buf, "");
    assert_null(buf_reserve(&buf, SIZE_MAX));
    buf_deinit(&buf);
}

static void test_take(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(buf_append_text(&buf, "mine"), OK);
    size_t len = 0;
    char *taken = buf_take(&buf, &len);
    assert_int_equal(len, 4);
    assert_string_equal(taken, "mine");
    xfree(taken);
    expect(&buf, "");
    assert_int_equal(buf_append_text(&buf, "more"), OK);
    buf_clear(&buf);
    taken = buf_take(&buf, NULL);
    assert_string_equal(taken, "");
    xfree(taken);
    taken = buf_take(&buf, &len);
    assert_int_equal(len, 0);
    assert_string_equal(taken, "");
    xfree(taken);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends),
        cmocka_unit_test(test_maximum),
        cmocka_unit_test(test_long_format),
        cmocka_unit_test(test_grows_to_its_maximum),
        cmocka_unit_test(test_reserve_and_consume),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
