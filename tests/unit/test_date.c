// SPDX-License-Identifier: MIT
// Tests of base/date: RFC 3339 and the three HTTP forms, both ways, against libc's calendar; one thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/date.h"

static void expect_date(const char *text, int64_t wanted_seconds, int wanted_ns)
{
    int64_t seconds = 0;
    int ns = -1;
    assert_true(date_parse(span_of(text), &seconds, &ns));
    assert_true(seconds == wanted_seconds);
    assert_int_equal(ns, wanted_ns);
    assert_true(date_parse(span_of(text), &seconds, NULL));
}

static void test_parse(void **state)
{
    (void)state;
    expect_date("1970-01-01T00:00:00Z", 0, 0);
    expect_date("1969-12-31T23:59:59.5Z", -1, 500000000);
    expect_date("2025-08-14T13:48:26.909014+04:00", 1755164906, 909014000);
    expect_date("2025-08-14t09:48:26z", 1755164906, 0);
    expect_date("2025-08-14T00:18:26-09:30", 1755164906, 0);
    expect_date("2024-02-29T00:00:00-00:00", 1709164800, 0);
    expect_date("2000-02-29T00:00:00.123456789Z", 951782400, 123456789);
    expect_date("0001-01-01T00:00:00Z", INT64_C(-62135596800), 0);
    expect_date("9999-12-31T23:59:59.999999999Z", INT64_C(253402300799), 999999999);
    // Leap seconds are the next one; they end a day of UTC wherever one is.
    expect_date("2016-12-31T23:59:60Z", 1483228800, 0);
    expect_date("1990-12-31T15:59:60-08:00", 662688000, 0);
}

static void test_parse_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2025",
        "2025-08-14",
        "2025-08-14T13:48:26",
        "2025-08-14 13:48:26Z",
        "2025-08-14T13:48Z",
        "2025-8-14T13:48:26Z",
        "25-08-14T13:48:26Z",
        "2025-00-14T13:48:26Z",
        "2025-13-14T13:48:26Z",
        "2025-08-00T13:48:26Z",
        "2025-08-32T13:48:26Z",
        "2025-04-31T13:48:26Z",
        "2025-02-29T13:48:26Z",
        "1900-02-29T13:48:26Z",
        "2025-08-14T24:00:00Z",
        "2025-08-14T13:60:26Z",
        "2025-08-14T13:48:61Z",
        "2025-08-14T13:48:60Z",
        "2025-08-14T13:48:26.Z",
        "2025-08-14T13:48:26.1234567890Z",
        "2025-08-14T13:48:26,5Z",
        "2025-08-14T13:48:26+0400",
        "2025-08-14T13:48:26+04",
        "2025-08-14T13:48:26+24:00",
        "2025-08-14T13:48:26+04:60",
        "2025-08-14T13:48:26+-4:00",
        "2025-08-14T13:48:26Z ",
        " 2025-08-14T13:48:26Z",
        "2025-08-14T13:48:26ZZ",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:59:59-00:01",
        "+025-08-14T13:48:26Z",
        "2025-08-14T-1:48:26Z",
    };
    int64_t seconds = 77;
    int ns = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (date_parse(span_of(bad[i]), &seconds, &ns))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(date_parse((struct span){NULL, 0}, &seconds, &ns));
    assert_int_equal(seconds, 77);
    assert_int_equal(ns, 77);
}

static void test_milliseconds(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_true(date_parse_ms(SPAN("2025-08-14T09:48:26.9099Z"), &ms));
    assert_true(ms == INT64_C(1755164906909));
    assert_true(date_parse_ms(SPAN("1969-12-31T23:59:59.9999Z"), &ms));
    assert_int_equal(ms, -1); // down, not towards zero
    ms = 5;
    assert_false(date_parse_ms(SPAN("no date"), &ms));
    assert_int_equal(ms, 5);
}

static void expect_print(int64_t wall_ms, const char *wanted)
{
    char out[DATE_TEXT_LEN];
    date_print_ms(wall_ms, out);
    assert_string_equal(out, wanted);
}

static void test_print(void **state)
{
    (void)state;
    expect_print(0, "1970-01-01T00:00:00.000Z");
    expect_print(INT64_C(1795442602118), "2026-11-23T14:03:22.118Z");
    expect_print(-1, "1969-12-31T23:59:59.999Z");
    expect_print(INT64_MAX, "9999-12-31T23:59:59.807Z"); // as far as the text goes
    expect_print(INT64_MIN, "0001-01-01T00:00:00.192Z");
    char out[DATE_TEXT_LEN];
    date_print(1795442602, out);
    assert_string_equal(out, "2026-11-23T14:03:22Z");
    date_print_http(1795442602, out);
    assert_string_equal(out, "Mon, 23 Nov 2026 14:03:22 GMT");
    date_print_http(784111777, out);
    assert_string_equal(out, "Sun, 06 Nov 1994 08:49:37 GMT");
}

// Some time of each of many days, through libc's gmtime and back through our parsers.
static void test_against_libc(void **state)
{
    (void)state;
    const int64_t first = INT64_C(-62135596800);
    const int64_t last = INT64_C(253402300799);
    for (int64_t at = first; at <= last; at += 86400 * 37 + 4567) {
        struct date_parts p;
        struct tm tm;
        time_t time = (time_t)at;
        assert_non_null(gmtime_r(&time, &tm));
        date_split(at, &p);
        assert_int_equal(p.year, tm.tm_year + 1900);
        assert_int_equal(p.month, tm.tm_mon + 1);
        assert_int_equal(p.day, tm.tm_mday);
        assert_int_equal(p.hour, tm.tm_hour);
        assert_int_equal(p.minute, tm.tm_min);
        assert_int_equal(p.second, tm.tm_sec);
        assert_int_equal(p.weekday, tm.tm_wday);
        assert_int_equal(p.yearday, tm.tm_yday + 1);
        char text[DATE_TEXT_LEN];
        int64_t back = 0;
        date_print(at, text);
        assert_true(date_parse(span_of(text), &back, NULL) && back == at);
        date_print_http(at, text);
        assert_true(date_parse_http(span_of(text), &back) && back == at);
    }
}

static void test_http(void **state)
{
    (void)state;
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    int64_t seconds = 0;
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        seconds = 0;
        assert_true(date_parse_http(span_of(same[i]), &seconds));
        assert_int_equal(seconds, 784111777);
    }
    assert_true(date_parse_http(SPAN("Wed Nov 16 08:49:37 1994"), &seconds));
    assert_int_equal(seconds, 784975777);
}

static void test_http_two_digit_years(void **state)
{
    (void)state;
    struct date_parts now;
    date_split(clock_wall_ms() / 1000, &now);
    for (int ahead = 49; ahead <= 51; ahead++) {
        char text[64];
        int year = now.year + ahead;
        int64_t seconds = 0;
        struct date_parts p;
        (void)snprintf(text, sizeof text, "Monday, 02-Jan-%02d 00:00:00 GMT", year % 100);
        assert_true(date_parse_http(span_of(text), &seconds));
        date_split(seconds, &p);
        assert_int_equal(p.year, ahead <= 50 ? year : year - 100);
    }
}

static void test_http_refuses(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "120",
        "Sun",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunny, 06-Nov-94 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "1994-11-06T08:49:37Z",
    };
    int64_t seconds = 77;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        if (date_parse_http(span_of(bad[i]), &seconds))
            fail_msg("accepted: %s", bad[i]);
    }
    assert_false(date_parse_http((struct span){NULL, 0}, &seconds));
    assert_int_equal(seconds, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_refuses),
        cmocka_unit_test(test_milliseconds),
        cmocka_unit_test(test_print),
        cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_http_two_digit_years),
        cmocka_unit_test(test_http_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
