// SPDX-License-Identifier: MIT
// The stop that a signal brings, and whom it may hit: the visit that it names; the test's thread.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "sandbox/limits.h"

// As the watchdog does; a signal to the only thread arrives before this returns.
static void stop(uint64_t visit)
{
    union sigval value = {.sival_ptr = (void *)(uintptr_t)visit};
    assert_int_equal(sigqueue(getpid(), LIMITS_SIGNAL, value), 0);
}

static void test_a_stop_hits_the_visit_that_it_names(void **state)
{
    (void)state;
    limits_catch_stop();
    limits_watch(5);
    stop(4); // it came late
    stop(6);
    assert_false(limits_is_stopped());
    stop(5);
    assert_true(limits_is_stopped());
    limits_watch(6); // the next one begins without
    assert_false(limits_is_stopped());
    limits_watch(0);
}

static void test_other_signals_stop_nobody(void **state)
{
    (void)state;
    limits_catch_stop();
    limits_watch(5);
    assert_int_equal(raise(LIMITS_SIGNAL), 0);
    assert_false(limits_is_stopped());
    limits_watch(0);
    stop(0); // between visits
    assert_false(limits_is_stopped());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_stop_hits_the_visit_that_it_names),
        cmocka_unit_test(test_other_signals_stop_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
