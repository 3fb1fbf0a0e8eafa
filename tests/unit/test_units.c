// SPDX-License-Identifier: MIT
// Tests of base/units: durations and sizes, both ways, what is refused; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/units.h"

static void expect_duration(const char *text, int64_t wanted, const char *printed)
{
    int64_t ms = -1;
    char out[UNITS_TEXT_LEN];
    assert_true(units_parse_duration(span_of(text), &ms));
    assert_true(ms == wanted);
    units_print_duration(ms, out);
    assert_string_equal(out, printed);
}

static void expect_size(const char *text, int64_t wanted, const char *printed)
{
    int64_t bytes = -1;
    char out[UNITS_TEXT_LEN];
    assert_true(units_parse_size(span_of(text), &bytes));
    assert_true(bytes == wanted);
    units_print_size(bytes, out);
    assert_string_equal(out, printed);
}

static void test_durations(void **state)
{
    (void)state;
    expect_duration("0", 0, "0s");
    expect_duration("0s", 0, "0s");
    expect_duration("00", 0, "0s");
    expect_duration("10ms", 10, "10ms");
    expect_duration("1500ms", 1500, "1500ms");
    expect_duration("5s", 5000, "5s");
    expect_duration("90s", 90000, "90s");
    expect_duration("60s", 60000, "1m");
    expect_duration("2h", 7200000, "2h");
    expect_duration("36h", 129600000, "36h");
    expect_duration("30d", INT64_C(2592000000), "30d");
    expect_duration("9223372036854775807ms", INT64_MAX, "9223372036854775807ms");
    expect_duration("106751991167d", INT64_C(106751991167) * 86400000, "106751991167d");
    static const char *const bad[] = {"",
                                      "5",
                                      "ms",
                                      "s",
                                      "-5s",
                                      "+5s",
                                      " 5s",
                                      "5s ",
                                      "5 s",
                                      "5S",
                                      "5sec",
                                      "1.5s",
                                      "1h30m",
                                      "5w",
                                      "0x5s",
                                      "106751991168d",
                                      "9223372036854775808ms",
                                      "99999999999999999999s"};
    int64_t ms = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (units_parse_duration(span_of(bad[i]), &ms))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(units_parse_duration((struct span){NULL, 0}, &ms));
    assert_int_equal(ms, 77);
}

static void test_sizes(void **state)
{
    (void)state;
    expect_size("0", 0, "0B");
    expect_size("100", 100, "100B");
    expect_size("100B", 100, "100B");
    expect_size("64KiB", 65536, "64KiB");
    expect_size("1024KiB", 1048576, "1MiB");
    expect_size("1536KiB", 1572864, "1536KiB");
    expect_size("256MiB", INT64_C(268435456), "256MiB");
    expect_size("3GiB", INT64_C(3) << 30, "3GiB");
    expect_size("8388607TiB", INT64_C(8388607) << 40, "8388607TiB");
    static const char *const bad[] = {"",
                                      "KiB",
                                      "64KB",
                                      "64K",
                                      "64kib",
                                      "1.5MiB",
                                      "-1B",
                                      "1 MiB",
                                      "1MiB ",
                                      "8388608TiB",
                                      "9223372036854775808"};
    int64_t bytes = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (units_parse_size(span_of(bad[i]), &bytes))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_int_equal(bytes, 77);
}

static void test_longest_texts(void **state)
{
    (void)state;
    char out[UNITS_TEXT_LEN];
    units_print_duration(INT64_MIN, out);
    assert_string_equal(out, "-9223372036854775808ms");
    units_print_duration(-5000, out);
    assert_string_equal(out, "-5s");
    units_print_size(INT64_MAX, out);
    assert_string_equal(out, "9223372036854775807B");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_longest_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
