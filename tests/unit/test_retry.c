// SPDX-License-Identifier: MIT
// What follows an attempt (model/retry.h), as a table: every outcome, verdict, wait and end of patience.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/retry.h"

#define NOW  1700000000000LL
#define DAY  (24 * 3600 * 1000LL)
#define HOUR (3600 * 1000LL)

static const uint32_t schedule[] = {5, 30, 120};

// A first attempt that has just failed, with jitter in the middle: the schedule's own times.
static struct retry_facts first_failure(enum outcome outcome)
{
    return (struct retry_facts){.outcome = outcome,
                                .retry_after_ms = -1,
                                .attempts = 1,
                                .now_ms = NOW,
                                .accepted_ms = NOW - 1000,
                                .max_age_ms = 5 * DAY,
                                .schedule_s = schedule,
                                .schedule_count = COUNT_OF(schedule),
                                .random = 0.5};
}

static void every_outcome_has_its_state(void **state)
{
    static const enum delivery_state expected[OUTCOME_COUNT] = {
        [OUTCOME_DELIVERED] = DELIVERY_DELIVERED, [OUTCOME_FILTERED] = DELIVERY_FILTERED,
        [OUTCOME_HTTP_410] = DELIVERY_DEAD,       [OUTCOME_EXPIRED] = DELIVERY_DEAD,
        [OUTCOME_TOO_OLD] = DELIVERY_DEAD, // all others wait: DELIVERY_PENDING is 0
    };
    (void)state;
    assert_int_equal(DELIVERY_PENDING, 0);
    for (enum outcome o = OUTCOME_DELIVERED; o < OUTCOME_CANCELLED; o++) {
        struct retry_facts facts = first_failure(o);
        struct retry_decision decision = retry_decide(&facts);
        if (decision.state != expected[o])
            fail_msg("%s becomes %s", outcome_name(o), delivery_state_name(decision.state));
        assert_int_equal(decision.outcome, o);
        assert_non_null(decision.reason);
        if (decision.state == DELIVERY_PENDING)
            assert_int_equal(decision.due_ms, NOW + 5000);
        assert_int_equal(decision.disable,
                         o == OUTCOME_HTTP_410 ? WEBHOOK_HTTP_410 : WEBHOOK_ENABLED);
    }
}

static void the_schedule_is_kept_to_its_end(void **state)
{
    (void)state;
    for (uint32_t attempts = 1; attempts <= COUNT_OF(schedule); attempts++) {
        struct retry_facts facts = first_failure(OUTCOME_TIMEOUT);
        facts.attempts = attempts;
        struct retry_decision decision = retry_decide(&facts);
        assert_int_equal(decision.state, DELIVERY_PENDING);
        assert_int_equal(decision.due_ms, NOW + 1000LL * schedule[attempts - 1]);
    }
    struct retry_facts facts = first_failure(OUTCOME_TIMEOUT);
    facts.attempts = COUNT_OF(schedule) + 1;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
    facts.attempts = 1;
    facts.schedule_count = 0; // `retry: []` is one attempt
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
}

static void the_default_schedule_takes_about_three_days(void **state)
{
    (void)state;
    uint64_t sum = 0;
    assert_int_equal(retry_default_count, 11);
    assert_int_equal(retry_default_s[0], 5);
    assert_int_equal(retry_default_s[10], 24 * 3600);
    for (uint32_t i = 0; i < retry_default_count; i++)
        sum += retry_default_s[i];
    assert_in_range(sum, 3 * 24 * 3600, 4 * 24 * 3600);
}

static void jitter_is_a_fifth_either_way(void **state)
{
    (void)state;
    struct retry_facts facts = first_failure(OUTCOME_RESET);
    facts.random = 0.0;
    assert_int_equal(retry_decide(&facts).due_ms, NOW + 4000);
    facts.random = 0.9999999;
    assert_in_range(retry_decide(&facts).due_ms, NOW + 5999, NOW + 6000);
}

static void a_named_time_is_kept_between_schedule_and_a_day(void **state)
{
    static const struct {
        int64_t after_ms;
        int64_t wait_ms;
    } cases[] = {{0, 5000}, {1000, 5000}, {5001, 5001}, {HOUR, HOUR}, {30 * DAY, DAY}};
    static const enum outcome naming[] = {OUTCOME_HTTP_429, OUTCOME_HTTP_503, OUTCOME_HTTP_4XX,
                                          OUTCOME_HTTP_5XX};
    (void)state;
    for (size_t o = 0; o < COUNT_OF(naming); o++) {
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
            struct retry_facts facts = first_failure(naming[o]);
            facts.retry_after_ms = cases[i].after_ms;
            struct retry_decision decision = retry_decide(&facts);
            assert_int_equal(decision.state, DELIVERY_PENDING);
            assert_int_equal(decision.due_ms - NOW, cases[i].wait_ms);
            assert_int_equal(decision.hold_webhook_ms, cases[i].wait_ms);
        }
    }
}

static void only_an_error_may_name_a_time(void **state)
{
    (void)state;
    struct retry_facts facts = first_failure(OUTCOME_HTTP_3XX);
    facts.retry_after_ms = HOUR;
    struct retry_decision decision = retry_decide(&facts);
    assert_int_equal(decision.due_ms, NOW + 5000);
    assert_int_equal(decision.hold_webhook_ms, 0);
    facts.outcome = OUTCOME_DELIVERED;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DELIVERED);
    assert_int_equal(retry_decide(&facts).hold_webhook_ms, 0);
}

static void the_webhook_is_held_also_when_the_delivery_dies(void **state)
{
    (void)state;
    struct retry_facts facts = first_failure(OUTCOME_HTTP_429);
    facts.attempts = COUNT_OF(schedule) + 1;
    facts.retry_after_ms = HOUR;
    struct retry_decision decision = retry_decide(&facts);
    assert_int_equal(decision.state, DELIVERY_DEAD);
    assert_int_equal(decision.hold_webhook_ms, HOUR);
}

static void patience_ends_before_the_next_attempt(void **state)
{
    (void)state;
    struct retry_facts facts = first_failure(OUTCOME_HTTP_5XX);
    facts.expires_at_ms = NOW + 5000; // exactly when it would be due
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
    facts.expires_at_ms = NOW + 5001;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_PENDING);
    facts.expires_at_ms = 0;
    facts.accepted_ms = NOW + 5000 - facts.max_age_ms;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_PENDING);
    facts.accepted_ms--;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
}

static void a_verdict_goes_before_the_status(void **state)
{
    (void)state;
    struct retry_facts facts = first_failure(OUTCOME_HTTP_5XX);
    facts.verdict = VERDICT_OK;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DELIVERED);
    assert_int_equal(retry_decide(&facts).outcome, OUTCOME_DELIVERED);

    facts.outcome = OUTCOME_DELIVERED;
    facts.verdict = VERDICT_FAIL;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
    assert_int_equal(retry_decide(&facts).outcome, OUTCOME_VERDICT_FAIL);
    assert_int_equal(retry_decide(&facts).disable, WEBHOOK_ENABLED);

    facts.verdict = VERDICT_DISABLE;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_DEAD);
    assert_int_equal(retry_decide(&facts).outcome, OUTCOME_VERDICT_DISABLE);
    assert_int_not_equal(retry_decide(&facts).disable, WEBHOOK_ENABLED);

    facts.verdict = VERDICT_RETRY;
    assert_int_equal(retry_decide(&facts).state, DELIVERY_PENDING);
    assert_int_equal(retry_decide(&facts).outcome, OUTCOME_VERDICT_RETRY);
    assert_int_equal(retry_decide(&facts).due_ms, NOW + 5000);
    facts.verdict_after_ms = HOUR;
    assert_int_equal(retry_decide(&facts).due_ms, NOW + HOUR);
    facts.verdict_after_ms = 2 * DAY;
    assert_int_equal(retry_decide(&facts).due_ms, NOW + DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_has_its_state),
        cmocka_unit_test(the_schedule_is_kept_to_its_end),
        cmocka_unit_test(the_default_schedule_takes_about_three_days),
        cmocka_unit_test(jitter_is_a_fifth_either_way),
        cmocka_unit_test(a_named_time_is_kept_between_schedule_and_a_day),
        cmocka_unit_test(only_an_error_may_name_a_time),
        cmocka_unit_test(the_webhook_is_held_also_when_the_delivery_dies),
        cmocka_unit_test(patience_ends_before_the_next_attempt),
        cmocka_unit_test(a_verdict_goes_before_the_status),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
