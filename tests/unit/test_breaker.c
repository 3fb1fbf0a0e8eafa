// SPDX-License-Identifier: MIT
// The circuit breaker: in a row, by rate, probes, what does not count; the test's thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dispatch/breaker.h"

#define START  1800000000000
#define MINUTE (60 * 1000)

static enum breaker_change fail_at(struct breaker *b, int64_t now_ms)
{
    return breaker_note(b, OUTCOME_HTTP_5XX, now_ms);
}

static void open_it(struct breaker *b)
{
    for (int i = 0; i < 9; i++)
        assert_int_equal(fail_at(b, START), BREAKER_SAME);
    assert_int_equal(fail_at(b, START), BREAKER_OPENED);
}

static void test_ten_in_a_row_open_it(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 9; i++)
        assert_int_equal(fail_at(&b, START), BREAKER_SAME);
    assert_int_equal(breaker_note(&b, OUTCOME_DELIVERED, START), BREAKER_SAME);
    assert_false(breaker_is_open(&b));
    struct breaker c = {0};
    open_it(&c);
    assert_true(breaker_is_open(&c));
    assert_int_equal(c.until_ms, START + 30 * 1000);
    assert_int_equal(c.since_ms, START);
}

// Seven failures, three successes, again and again: never ten in a row, open at the 20th attempt.
static void test_rate_opens_it(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 20; i++) {
        bool is_good = i % 10 < 3;
        int64_t now = START + i * 10 * 1000; // over 200 s
        enum breaker_change change =
            breaker_note(&b, is_good ? OUTCOME_DELIVERED : OUTCOME_TIMEOUT, now);
        assert_int_equal(change, i == 19 ? BREAKER_OPENED : BREAKER_SAME);
    }
}

static void test_lower_rate_leaves_it_closed(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 1000; i++) {
        enum outcome outcome = i % 3 == 0 ? OUTCOME_DELIVERED : OUTCOME_TIMEOUT; // 67 %
        assert_int_equal(breaker_note(&b, outcome, START + i * 100), BREAKER_SAME);
    }
}

static void test_attempts_are_forgotten_after_5_minutes(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 100; i++) { // 80 %, but never 20 within 5 minutes
        enum outcome outcome = i % 5 == 0 ? OUTCOME_DELIVERED : OUTCOME_TIMEOUT;
        assert_int_equal(breaker_note(&b, outcome, START + i * 20 * 1000), BREAKER_SAME);
    }
}

static void test_probes_double_to_10_minutes(void **state)
{
    static const int64_t waits_s[] = {60, 120, 240, 480, 600, 600};
    struct breaker b = {0};
    (void)state;
    open_it(&b);
    for (size_t i = 0; i < sizeof waits_s / sizeof *waits_s; i++) {
        int64_t probe = b.until_ms;
        assert_int_equal(fail_at(&b, probe - 1), BREAKER_SAME); // was under way before
        assert_int_equal(b.until_ms, probe);
        assert_int_equal(fail_at(&b, probe), BREAKER_STAYS_OPEN);
        assert_int_equal(b.until_ms, probe + waits_s[i] * 1000);
        assert_int_equal(b.since_ms, START);
    }
}

static void test_answers_below_500_close_it(void **state)
{
    static const enum outcome closing[] = {OUTCOME_DELIVERED, OUTCOME_HTTP_3XX, OUTCOME_HTTP_4XX,
                                           OUTCOME_HTTP_410};
    (void)state;
    for (size_t i = 0; i < sizeof closing / sizeof *closing; i++) {
        struct breaker b = {0};
        open_it(&b);
        assert_int_equal(breaker_note(&b, closing[i], b.until_ms), BREAKER_CLOSED);
        assert_false(breaker_is_open(&b));
        open_it(&b); // what it had counted is gone
    }
}

static void test_scripts_and_blocked_addresses_do_not_count(void **state)
{
    static const enum outcome ignored[] = {OUTCOME_BLOCKED_ADDRESS, OUTCOME_SCRIPT_ERROR,
                                           OUTCOME_SCRIPT_TIMEOUT, OUTCOME_SCRIPT_MEMORY,
                                           OUTCOME_SCRIPT_KILLED};
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(breaker_note(&b, ignored[i % 5], START), BREAKER_SAME);
    open_it(&b);
    assert_int_equal(breaker_note(&b, OUTCOME_SCRIPT_ERROR, b.until_ms), BREAKER_SAME);
    assert_true(breaker_is_open(&b));
}

static void test_reset_forgets(void **state)
{
    struct breaker b = {0};
    (void)state;
    open_it(&b);
    breaker_reset(&b);
    assert_false(breaker_is_open(&b));
    open_it(&b);
}

static void test_clock_that_is_set_back(void **state)
{
    struct breaker b = {0};
    (void)state;
    for (int i = 0; i < 60; i++) // two of three fail: closed
        assert_int_equal(breaker_note(&b, i % 3 ? OUTCOME_RESET : OUTCOME_DELIVERED, START),
                         BREAKER_SAME);
    assert_int_equal(breaker_note(&b, OUTCOME_DELIVERED, START - 60 * MINUTE), BREAKER_SAME);
    for (int i = 0; i < 9; i++) // with those 60 it would be 70 % at the 8th
        assert_int_equal(fail_at(&b, START - 60 * MINUTE), BREAKER_SAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ten_in_a_row_open_it),
        cmocka_unit_test(test_rate_opens_it),
        cmocka_unit_test(test_lower_rate_leaves_it_closed),
        cmocka_unit_test(test_attempts_are_forgotten_after_5_minutes),
        cmocka_unit_test(test_probes_double_to_10_minutes),
        cmocka_unit_test(test_answers_below_500_close_it),
        cmocka_unit_test(test_scripts_and_blocked_addresses_do_not_count),
        cmocka_unit_test(test_reset_forgets),
        cmocka_unit_test(test_clock_that_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
