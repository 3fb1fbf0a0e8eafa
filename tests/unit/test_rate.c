// SPDX-License-Identifier: MIT
// The rate limit: what any window may hold, waits, changes; the test's thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dispatch/rate.h"

#define MS     1000000LL
#define SECOND (1000 * MS)
#define START  (50 * SECOND)

// Numbers that repeat: Marsaglia's xorshift.
static uint32_t some(uint32_t below)
{
    static uint32_t state = 2463534242U;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state % below;
}

static struct rate limited(double per_second, uint32_t burst)
{
    struct rate rate = {0};
    rate_set(&rate, per_second, burst, START);
    return rate;
}

static bool may(const struct rate *rate, int64_t now_ns)
{
    return rate_wait_ns(rate, 0, now_ns) == 0;
}

// How many go at once.
static uint32_t drain(struct rate *rate, int64_t now_ns)
{
    uint32_t count = 0;
    for (; may(rate, now_ns) && count < 1000; count++)
        rate_take(rate, now_ns);
    return count;
}

static void test_without_a_limit(void **state)
{
    struct rate rate = {0};
    (void)state;
    for (int i = 0; i < 1000; i++)
        rate_take(&rate, START);
    assert_true(may(&rate, START));
    assert_true(rate_wait_ns(&rate, 1000000, START) == 0);
    assert_true(rate_within(&rate, 0, START) == UINT32_MAX);
    rate_set(&rate, 1, 1, START);
    rate_take(&rate, START);
    rate_set(&rate, 0, 0, START);
    assert_int_equal(drain(&rate, START), 1000);
}

static void test_a_burst_and_then_one_by_one(void **state)
{
    struct rate rate = limited(10, 4);
    (void)state;
    assert_int_equal(drain(&rate, START), 4);
    assert_int_equal(drain(&rate, START + 99 * MS), 0);
    for (int i = 1; i <= 20; i++)
        assert_int_equal(drain(&rate, START + i * 101 * MS), 1);
    assert_int_equal(drain(&rate, START + 3600 * SECOND), 4);
}

static void test_the_burst_that_nobody_chose(void **state)
{
    struct rate often = limited(10, 0);
    struct rate seldom = limited(0.25, 0);
    struct rate between = limited(2.5, 0);
    (void)state;
    assert_int_equal(drain(&often, START), 10);
    assert_int_equal(drain(&seldom, START), 1);
    assert_int_equal(drain(&seldom, START + 3999 * MS), 0);
    assert_int_equal(drain(&seldom, START + 4001 * MS), 1);
    assert_int_equal(drain(&between, START), 3);
}

// rate_wait_ns and rate_within say what rate_take then allows.
static void test_what_is_foretold_happens(void **state)
{
    (void)state;
    for (uint32_t burst = 1; burst < 6; burst++) {
        struct rate rate = limited(100, burst);
        int64_t now = START;
        for (int i = 0; i < 500; i++) {
            uint32_t ahead = some(8);
            int64_t wait = rate_wait_ns(&rate, ahead, now);
            assert_true(rate_within(&rate, wait, now) == ahead + 1 || wait == 0);
            assert_true(wait == 0 || rate_within(&rate, wait - 1, now) == ahead);
            struct rate copy = rate;
            for (uint32_t k = 0; k <= ahead; k++) {
                assert_true(rate_wait_ns(&copy, 0, now + wait) == 0 || ahead >= burst);
                rate_take(&copy, now + wait);
            }
            if (may(&rate, now))
                rate_take(&rate, now);
            now += some(20 * MS);
        }
    }
}

#define MOST 4000
static int64_t sent_at[MOST];
static int sent;

// Of all windows: those that begin and end with a request are the worst.
static void assert_windows(const struct rate *rate)
{
    for (int i = 0; i < sent; i++)
        for (int j = i; j < sent; j++) {
            int64_t allowed = rate->burst + (sent_at[j] - sent_at[i]) / rate->interval_ns;
            if (j - i + 1 > allowed)
                fail_msg("%d requests in %lld ns, %lld are allowed", j - i + 1,
                         (long long)(sent_at[j] - sent_at[i]), (long long)allowed);
        }
}

static void test_no_window_holds_more(void **state)
{
    (void)state;
    for (uint32_t burst = 1; burst <= 32; burst *= 2) {
        struct rate rate = limited(1000, burst);
        int64_t now = START;
        sent = 0;
        while (sent < 1000) {
            if (may(&rate, now)) {
                rate_take(&rate, now);
                sent_at[sent++] = now;
            }
            now += some(50) == 0 ? some(40 * MS) : some(MS / 2);
        }
        assert_windows(&rate);
    }
}

static void test_a_test_send_counts_but_makes_no_debt(void **state)
{
    struct rate rate = limited(1, 2);
    (void)state;
    for (int i = 0; i < 1000; i++)
        rate_take(&rate, START);
    assert_false(may(&rate, START + 999 * MS));
    assert_true(may(&rate, START + 1001 * MS));
}

static void test_a_restart_begins_empty(void **state)
{
    struct rate rate = limited(10, 5);
    (void)state;
    rate_empty(&rate, START);
    assert_int_equal(drain(&rate, START + 99 * MS), 0);
    assert_int_equal(drain(&rate, START + 101 * MS), 1);
    assert_int_equal(drain(&rate, START + 3600 * SECOND), 5);
}

static void test_a_change_keeps_what_was_taken(void **state)
{
    struct rate rate = limited(10, 10);
    (void)state;
    assert_int_equal(drain(&rate, START), 10);
    rate_set(&rate, 1, 0, START);
    assert_int_equal(drain(&rate, START + 999 * MS), 0);
    assert_int_equal(drain(&rate, START + 1001 * MS), 1);
    rate_set(&rate, 100, 20, START + 2 * SECOND);
    assert_true(rate_within(&rate, 0, START + 2 * SECOND) >= 19);
    rate_set(&rate, 100, 2, START + 2 * SECOND);
    assert_in_range(drain(&rate, START + 2 * SECOND), 1, 2);
}

static void test_the_extremes(void **state)
{
    struct rate slow = limited(0.001, 100000);
    struct rate fast = limited(100000, 100000);
    (void)state;
    for (int i = 0; i < 100000; i++)
        rate_take(&slow, START);
    assert_true(rate_wait_ns(&slow, 0, START) > 999 * SECOND);
    assert_true(rate_wait_ns(&slow, 1000000, START) > 0); // no overflow
    assert_int_equal(rate_within(&slow, 3601 * SECOND, START), 3);
    assert_int_equal(rate_within(&fast, 0, START), 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_limit),
        cmocka_unit_test(test_a_burst_and_then_one_by_one),
        cmocka_unit_test(test_the_burst_that_nobody_chose),
        cmocka_unit_test(test_what_is_foretold_happens),
        cmocka_unit_test(test_no_window_holds_more),
        cmocka_unit_test(test_a_test_send_counts_but_makes_no_debt),
        cmocka_unit_test(test_a_restart_begins_empty),
        cmocka_unit_test(test_a_change_keeps_what_was_taken),
        cmocka_unit_test(test_the_extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
