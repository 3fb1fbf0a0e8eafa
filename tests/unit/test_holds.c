// SPDX-License-Identifier: MIT
// What holds a webhook: several reasons at once, each with its end, and which is shown; the test's
// thread.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "dispatch/holds.h"

#define NOW 1800000000000

static void test_nothing_holds(void **state)
{
    struct holds holds = {0};
    enum hold list[HOLD_COUNT];
    (void)state;
    assert_true(holds_end(&holds) == 0);
    assert_int_equal(holds_list(&holds, NOW, list), 0);
    assert_null(holds_reason(&holds, NOW));
}

static void test_the_one_that_ends_last_is_shown(void **state)
{
    struct holds holds = {0};
    enum hold list[HOLD_COUNT];
    (void)state;
    holds_set(&holds, HOLD_BREAKER, NOW + 30);
    holds_set(&holds, HOLD_RETRY_AFTER, NOW + 60);
    assert_string_equal(holds_reason(&holds, NOW), "retry_after");
    assert_true(holds_end(&holds) == NOW + 60);
    assert_int_equal(holds_list(&holds, NOW, list), 2);
    assert_int_equal(list[0], HOLD_RETRY_AFTER);
    assert_int_equal(list[1], HOLD_BREAKER);
    holds_set(&holds, HOLD_BREAKER, NOW + 90);
    assert_string_equal(holds_reason(&holds, NOW), "circuit_breaker");
}

// What ends by itself holds to the millisecond, and the other goes on.
static void test_each_has_its_end(void **state)
{
    struct holds holds = {0};
    (void)state;
    holds_set(&holds, HOLD_BREAKER, NOW + 30);
    holds_set(&holds, HOLD_RETRY_AFTER, NOW + 60);
    assert_true(holds_has(&holds, HOLD_BREAKER, NOW + 29));
    assert_false(holds_has(&holds, HOLD_BREAKER, NOW + 30));
    assert_string_equal(holds_reason(&holds, NOW + 30), "retry_after");
    assert_string_equal(holds_reason(&holds, NOW + 59), "retry_after");
    assert_null(holds_reason(&holds, NOW + 60));
}

static void test_releasing_one_leaves_the_others(void **state)
{
    struct holds holds = {0};
    enum hold list[HOLD_COUNT];
    (void)state;
    for (int i = 0; i < HOLD_COUNT; i++)
        holds_set(&holds, (enum hold)i, HOLD_UNTIL_RELEASED);
    for (int i = 0; i < HOLD_COUNT; i++) {
        // Those without an end stand in the order of the table.
        assert_int_equal(holds_list(&holds, NOW, list), HOLD_COUNT - i);
        assert_int_equal(list[0], i);
        assert_string_equal(holds_reason(&holds, NOW), hold_name((enum hold)i));
        holds_clear(&holds, (enum hold)i);
        assert_false(holds_has(&holds, (enum hold)i, 0));
    }
    assert_true(holds_end(&holds) == 0);
}

static void test_without_an_end_beats_any_end(void **state)
{
    struct holds holds = {0};
    (void)state;
    holds_set(&holds, HOLD_RETRY_AFTER, NOW + 86400000);
    holds_set(&holds, HOLD_QUARANTINE, HOLD_UNTIL_RELEASED);
    assert_string_equal(holds_reason(&holds, NOW), "quarantine");
    holds_set(&holds, HOLD_PAUSED, HOLD_UNTIL_RELEASED);
    assert_string_equal(holds_reason(&holds, NOW), "paused");
}

static void test_each_has_words(void **state)
{
    (void)state;
    for (int i = 0; i < HOLD_COUNT; i++) {
        assert_true(hold_name((enum hold)i)[0] != 0);
        assert_true(hold_means((enum hold)i)[0] != 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_holds),
        cmocka_unit_test(test_the_one_that_ends_last_is_shown),
        cmocka_unit_test(test_each_has_its_end),
        cmocka_unit_test(test_releasing_one_leaves_the_others),
        cmocka_unit_test(test_without_an_end_beats_any_end),
        cmocka_unit_test(test_each_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
