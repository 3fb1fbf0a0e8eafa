// SPDX-License-Identifier: MIT
// Tests of base/span: comparing, trimming, splitting, numbers, the keyed hash; one thread.
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/span.h"
#include "support/child.h"

static const struct span none = {NULL, 0};

static void test_equal(void **state)
{
    (void)state;
    assert_true(span_eq(none, SPAN("")));
    assert_true(span_eq(SPAN("a\0b"), SPAN("a\0b")));
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
    assert_false(span_eq(SPAN("ab"), SPAN("abc")));
    assert_true(span_is(SPAN("abc"), "abc"));
    assert_true(span_is(none, NULL));
    assert_true(span_starts_with(SPAN("abc"), SPAN("ab")));
    assert_true(span_starts_with(SPAN("abc"), none));
    assert_false(span_starts_with(SPAN("a"), SPAN("ab")));
    assert_true(span_eq_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    assert_false(span_eq_nocase(SPAN("a["), SPAN("a{"))); // only letters
    assert_false(span_eq_nocase(SPAN("@"), SPAN("`")));
    assert_false(span_eq_nocase(SPAN("\xc4"), SPAN("\xe4")));
    assert_false(span_eq_nocase(SPAN("a"), SPAN("ab")));
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(span_cmp(none, SPAN("")), 0);
    assert_int_equal(span_cmp(SPAN("ab"), SPAN("ab")), 0);
    assert_true(span_cmp(SPAN("ab"), SPAN("abc")) < 0);
    assert_true(span_cmp(SPAN("abc"), SPAN("ab")) > 0);
    assert_true(span_cmp(none, SPAN("a")) < 0);
    assert_true(span_cmp(SPAN("\x7f"), SPAN("\x80")) < 0); // bytes have no sign
}

static void test_trim(void **state)
{
    (void)state;
    assert_true(span_is(span_trim(SPAN(" \t\r\n a b \n")), "a b"));
    assert_true(span_is(span_trim(SPAN("ab")), "ab"));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
    assert_int_equal(span_trim(none).len, 0);
    assert_true(span_is(span_trim(SPAN("\va")), "\va"));
}

static void expect_parts(struct span text, const char *const *wanted, size_t count)
{
    struct span rest = text;
    struct span part = none;
    for (size_t i = 0; i < count; i++) {
        assert_true(span_split(&rest, ',', &part));
        assert_true(span_is(part, wanted[i]));
    }
    assert_null(rest.at);
    assert_int_equal(rest.len, 0);
    assert_false(span_split(&rest, ',', &part));
}

static void test_split(void **state)
{
    (void)state;
    static const char *const two[] = {"a", "bc"};
    static const char *const gaps[] = {"", "a", "", ""};
    expect_parts(SPAN("a,bc"), two, 2);
    expect_parts(SPAN(",a,,"), gaps, 4);
    expect_parts(SPAN(""), gaps, 1);
    expect_parts(SPAN("bc"), two + 1, 1);
    expect_parts(none, NULL, 0);
}

static void test_numbers(void **state)
{
    (void)state;
    uint64_t u = 5;
    int64_t i = 5;
    assert_true(span_to_uint64(SPAN("18446744073709551615"), &u));
    assert_true(u == UINT64_MAX);
    assert_true(span_to_uint64(SPAN("007"), &u));
    assert_true(u == 7);
    assert_true(span_to_int64(SPAN("9223372036854775807"), &i));
    assert_true(i == INT64_MAX);
    assert_true(span_to_int64(SPAN("-9223372036854775808"), &i));
    assert_true(i == INT64_MIN);
    assert_true(span_to_int64(SPAN("-0"), &i));
    assert_true(i == 0);
    static const char *const bad[] = {"",   "-",   "+1",  " 1",  "1 ",  "1x",
                                      "x1", "--1", "0x1", "1.0", "1e3", "99999999999999999999"};
    u = 5;
    i = 5;
    for (size_t at = 0; at < COUNT_OF(bad); at++) {
        assert_false(span_to_uint64(span_of(bad[at]), &u));
        assert_false(span_to_int64(span_of(bad[at]), &i));
    }
    assert_false(span_to_uint64(SPAN("18446744073709551616"), &u));
    assert_false(span_to_uint64(SPAN("-1"), &u));
    assert_false(span_to_int64(SPAN("9223372036854775808"), &i));
    assert_false(span_to_int64(SPAN("-9223372036854775809"), &i));
    assert_false(span_to_uint64(none, &u));
    assert_true(u == 5 && i == 5);
}

static void test_hash(void **state)
{
    (void)state;
    char bytes[64] = {0};
    assert_true(span_hash(none) == span_hash(SPAN("")));
    assert_true(span_hash(SPAN("same")) == span_hash(SPAN("same")));
    uint64_t seen[sizeof bytes * 2 + 1];
    size_t count = 0;
    for (size_t len = 0; len <= sizeof bytes; len++)
        seen[count++] = span_hash(span_make(bytes, len)); // lengths count
    for (size_t i = 0; i < sizeof bytes; i++) {           // and each byte
        bytes[i] = (char)0x80;
        seen[count++] = span_hash(span_make(bytes, sizeof bytes));
        bytes[i] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++)
            assert_true(seen[i] != seen[j]);
    }
}

static void print_hash(void *context)
{
    const char *seed = context;
    (void)setenv("GRAPNEL_TEST", "1", 1);
    if (seed != NULL)
        (void)setenv("GRAPNEL_SEED", seed, 1);
    (void)fprintf(stderr, "%" PRIx64, span_hash(SPAN("name")));
}

// Must run before span_hash: its key is made once, and a child would inherit it.
static void test_hash_key(void **state)
{
    (void)state;
    static struct child_end seeded;
    static struct child_end again;
    char one[] = "17";
    char other[] = "18";
    child_run(print_hash, one, &seeded);
    child_run(print_hash, one, &again);
    assert_int_equal(seeded.exit_code, 0);
    assert_string_equal(seeded.text, again.text);
    child_run(print_hash, other, &again);
    assert_string_not_equal(seeded.text, again.text);
    child_run(print_hash, NULL, &seeded);
    child_run(print_hash, NULL, &again);
    assert_string_not_equal(seeded.text, again.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_key), cmocka_unit_test(test_equal),
        cmocka_unit_test(test_order),    cmocka_unit_test(test_trim),
        cmocka_unit_test(test_split),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
