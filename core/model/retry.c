// SPDX-License-Identifier: MIT
// What happens after an attempt, as a table of rules; pure, any thread. (delivery.md, Retries)
#include "model/retry.h"

#define DAY_MS (24 * 60 * 60 * 1000LL)

// At once, then after 5 s … 24 h: about 3 days.
const uint32_t retry_default_s[] = {5,        30,        2 * 60,    10 * 60,   30 * 60,  2 * 3600,
                                    5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600};
const uint32_t retry_default_count = COUNT_OF(retry_default_s);

// The schedule's wait before the next attempt, with 20 % jitter either way; -1: no attempt is left.
static int64_t scheduled_ms(const struct retry_facts *f)
{
    if (f->attempts == 0 || f->attempts > f->schedule_count)
        return -1;
    double wait = 1000.0 * f->schedule_s[f->attempts - 1];
    return (int64_t)(wait * (0.8 + 0.4 * f->random));
}

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

static struct retry_decision dead(enum outcome outcome, const char *reason)
{
    return (struct retry_decision){.state = DELIVERY_DEAD, .outcome = outcome, .reason = reason};
}

// A failed attempt: again by the schedule, at least `at_least_ms` from now, or dead.
static struct retry_decision again(const struct retry_facts *f, enum outcome outcome,
                                   int64_t at_least_ms, const char *reason)
{
    int64_t wait = scheduled_ms(f);
    if (wait < 0)
        return dead(outcome, "all attempts of its schedule are used up");
    if (at_least_ms > wait)
        wait = at_least_ms;
    int64_t due = f->now_ms + wait;
    if (f->expires_at_ms != 0 && due >= f->expires_at_ms)
        return dead(outcome, "it expires before the next attempt is due");
    if (due - f->accepted_ms > f->max_age_ms)
        return dead(outcome, "it would be older than max_age at the next attempt");
    return (struct retry_decision){
        .state = DELIVERY_PENDING, .outcome = outcome, .due_ms = due, .reason = reason};
}

static struct retry_decision by_verdict(const struct retry_facts *f)
{
    switch (f->verdict) {
    case VERDICT_OK:
        return (struct retry_decision){.state = DELIVERY_DELIVERED,
                                       .outcome = OUTCOME_DELIVERED,
                                       .reason = "a script's response said ok"};
    case VERDICT_RETRY:
        return again(f, OUTCOME_VERDICT_RETRY, clamp(f->verdict_after_ms, 0, DAY_MS),
                     "a script's response said retry");
    case VERDICT_FAIL: return dead(OUTCOME_VERDICT_FAIL, "a script's response said fail");
    case VERDICT_DISABLE: {
        struct retry_decision decision =
            dead(OUTCOME_VERDICT_DISABLE, "a script's response said disable");
        decision.disable = WEBHOOK_VERDICT;
        return decision;
    }
    case VERDICT_NONE: break;
    }
    CHECK(!"a verdict is expected");
    return dead(f->outcome, "");
}

static bool may_name_a_time(enum outcome outcome)
{
    return outcome == OUTCOME_HTTP_429 || outcome == OUTCOME_HTTP_503 ||
           outcome == OUTCOME_HTTP_4XX || outcome == OUTCOME_HTTP_5XX;
}

struct retry_decision retry_decide(const struct retry_facts *f)
{
    if (f->verdict != VERDICT_NONE)
        return by_verdict(f);
    if (f->outcome == OUTCOME_DELIVERED)
        return (struct retry_decision){.state = DELIVERY_DELIVERED,
                                       .outcome = f->outcome,
                                       .reason = "a 2xx answer has arrived"};
    if (f->outcome == OUTCOME_FILTERED)
        return (struct retry_decision){
            .state = DELIVERY_FILTERED, .outcome = f->outcome, .reason = "a script filtered it"};
    if (f->outcome == OUTCOME_HTTP_410) {
        struct retry_decision decision = dead(f->outcome, "the target answered that it is gone");
        decision.disable = WEBHOOK_HTTP_410;
        return decision;
    }
    if (f->outcome == OUTCOME_EXPIRED)
        return dead(f->outcome, "it is past its expires_at");
    if (f->outcome == OUTCOME_TOO_OLD)
        return dead(f->outcome, "it is older than max_age");
    if (f->retry_after_ms >= 0 && may_name_a_time(f->outcome)) {
        int64_t wait = clamp(f->retry_after_ms, 0, DAY_MS);
        struct retry_decision decision =
            again(f, f->outcome, wait, "the target named a time (Retry-After)");
        if (decision.state == DELIVERY_PENDING)
            decision.hold_webhook_ms = decision.due_ms - f->now_ms;
        else
            decision.hold_webhook_ms = wait;
        return decision;
    }
    return again(f, f->outcome, 0, "the attempt failed; it is tried again by the schedule");
}
