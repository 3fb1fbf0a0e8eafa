// SPDX-License-Identifier: MIT
// Tests of base/pack: there and back, the spelling, records that are cut or malformed; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pack.h"

static const uint64_t numbers[] = {
    0, 1, 127, 128, 255, 16383, 16384, UINT32_MAX, (uint64_t)INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
static const int64_t signed_numbers[] = {0, -1, 1, -64, 64, INT32_MIN, INT64_MAX, INT64_MIN};

static void test_there_and_back(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        pack_uint(&buf, numbers[i]);
    for (size_t i = 0; i < COUNT_OF(signed_numbers); i++)
        pack_int(&buf, signed_numbers[i]);
    pack_bytes(&buf, SPAN("with\0nul"));
    pack_bytes(&buf, (struct span){NULL, 0});
    pack_raw(&buf, "raw!", 4);
    assert_false(buf.is_full);
    struct unpack u;
    unpack_init(&u, buf_span(&buf));
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_true(unpack_uint(&u) == numbers[i]);
    for (size_t i = 0; i < COUNT_OF(signed_numbers); i++)
        assert_true(unpack_int(&u) == signed_numbers[i]);
    assert_true(span_eq(unpack_bytes(&u), SPAN("with\0nul")));
    assert_int_equal(unpack_bytes(&u).len, 0);
    char raw[4];
    unpack_raw(&u, raw, sizeof raw);
    assert_memory_equal(raw, "raw!", 4);
    assert_false(u.is_bad);
    assert_int_equal(u.rest.len, 0);
    buf_deinit(&buf);
}

// Records live in databases: their spelling must not change.
static void test_spelling(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    pack_uint(&buf, 300);
    pack_int(&buf, -1);
    pack_int(&buf, 1);
    pack_bytes(&buf, SPAN("hi"));
    pack_uint(&buf, UINT64_MAX);
    static const char wanted[] = "\xac\x02\x01\x02\x02hi\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    assert_int_equal(buf.len, sizeof wanted - 1);
    assert_memory_equal(buf.at, wanted, buf.len);
    buf_deinit(&buf);
}

static void test_every_cut_is_noticed(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    pack_uint(&buf, 1000000);
    pack_bytes(&buf, SPAN("some bytes"));
    pack_int(&buf, INT64_MIN);
    pack_raw(&buf, "raw!", 4);
    for (size_t len = 0; len < buf.len; len++) {
        char *copy = malloc(len > 0 ? len : 1); // so that ASan sees one byte too far
        if (len > 0)
            memcpy(copy, buf.at, len);
        struct unpack u;
        unpack_init(&u, span_make(copy, len));
        (void)unpack_uint(&u);
        (void)unpack_bytes(&u);
        (void)unpack_int(&u);
        char raw[4] = "xxx";
        unpack_raw(&u, raw, sizeof raw);
        assert_true(u.is_bad);
        assert_memory_equal(raw, "\0\0\0\0", 4);
        free(copy);
    }
    buf_deinit(&buf);
}

static void expect_bad_number(struct span record)
{
    struct unpack u;
    unpack_init(&u, record);
    assert_true(unpack_uint(&u) == 0);
    assert_true(u.is_bad);
    // For good: what follows reads as nothing.
    assert_true(unpack_uint(&u) == 0);
    assert_true(unpack_int(&u) == 0);
    assert_int_equal(unpack_bytes(&u).len, 0);
    char raw = 'x';
    unpack_raw(&u, &raw, 1);
    assert_int_equal(raw, 0);
    unpack_raw(&u, NULL, 0);
}

static void test_malformed(void **state)
{
    (void)state;
    expect_bad_number(SPAN(""));
    expect_bad_number((struct span){NULL, 0});
    expect_bad_number(SPAN("\x80"));
    expect_bad_number(SPAN("\x80\x00\x01"));                             // a second spelling of 0
    expect_bad_number(SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02")); // bit 64
    expect_bad_number(SPAN("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
}

static void test_length_beyond_the_record(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100);
    pack_uint(&buf, UINT64_MAX);
    pack_raw(&buf, "abc", 3);
    struct unpack u;
    unpack_init(&u, buf_span(&buf));
    assert_int_equal(unpack_bytes(&u).len, 0);
    assert_true(u.is_bad);
    buf_deinit(&buf);
}

static void test_full(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 3);
    pack_bytes(&buf, SPAN("abc"));
    assert_true(buf.is_full);
    buf_deinit(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),           cmocka_unit_test(test_spelling),
        cmocka_unit_test(test_every_cut_is_noticed),     cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_length_beyond_the_record), cmocka_unit_test(test_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
