// SPDX-License-Identifier: MIT
// The rule of quarantine: so many failures in a row, from three events at least; the test's thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "dispatch/streak.h"

#define MOST 20

static struct uid event(uint8_t n)
{
    struct uid uid = {.bytes = {n + 1}};
    return uid;
}

static bool fail_once(struct streak *streak, const char *scripts, uint8_t n, uint32_t most)
{
    struct uid uid = event(n);
    return streak_fail(streak, span_of(scripts), &uid, most);
}

static void test_twenty_from_different_events(void **state)
{
    (void)state;
    struct streak streak = {0};
    for (uint8_t i = 1; i < MOST; i++)
        assert_false(fail_once(&streak, "a@1", i, MOST));
    assert_true(fail_once(&streak, "a@1", MOST, MOST));
    assert_int_equal(streak.failures, MOST);
}

static void test_one_bad_event_is_not_enough(void **state)
{
    (void)state;
    struct streak streak = {0};
    for (int i = 0; i < 10 * MOST; i++)
        assert_false(fail_once(&streak, "a@1", 1, MOST));
    for (int i = 0; i < 10 * MOST; i++)
        assert_false(fail_once(&streak, "a@1", (uint8_t)(1 + i % 2), MOST)); // nor are two
    assert_true(fail_once(&streak, "a@1", 3, MOST));
}

static void test_three_events_are_not_enough_alone(void **state)
{
    (void)state;
    struct streak streak = {0};
    int failures = 0;
    while (!fail_once(&streak, "a@1", (uint8_t)(failures % 3), MOST))
        failures++;
    assert_int_equal(failures, MOST - 1);
}

static void test_a_success_begins_anew(void **state)
{
    (void)state;
    struct streak streak = {0};
    for (uint8_t i = 1; i < MOST; i++)
        assert_false(fail_once(&streak, "a@1", i, MOST));
    streak_end(&streak);
    for (uint8_t i = 1; i < MOST; i++)
        assert_false(fail_once(&streak, "a@1", i, MOST));
    assert_true(fail_once(&streak, "a@1", MOST, MOST));
}

static void test_other_versions_begin_anew(void **state)
{
    (void)state;
    struct streak streak = {0};
    for (uint8_t i = 1; i < MOST; i++)
        assert_false(fail_once(&streak, "a@1", i, MOST));
    assert_false(fail_once(&streak, "a@2", MOST, MOST));
    assert_int_equal(streak.failures, 1);
    assert_int_equal(streak.event_count, 1);
}

// Three events are asked for however small the number is, and none is too much when it is 0.
static void test_the_number_is_an_option(void **state)
{
    (void)state;
    struct streak streak = {0};
    assert_false(fail_once(&streak, "a@1", 1, 1));
    assert_false(fail_once(&streak, "a@1", 2, 1));
    assert_true(fail_once(&streak, "a@1", 3, 1));
    assert_true(fail_once(&streak, "a@1", 1, 1)); // and stays so
    streak_end(&streak);
    for (int i = 0; i < 1000; i++)
        assert_false(fail_once(&streak, "a@1", (uint8_t)i, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twenty_from_different_events),
        cmocka_unit_test(test_one_bad_event_is_not_enough),
        cmocka_unit_test(test_three_events_are_not_enough_alone),
        cmocka_unit_test(test_a_success_begins_anew),
        cmocka_unit_test(test_other_versions_begin_anew),
        cmocka_unit_test(test_the_number_is_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
