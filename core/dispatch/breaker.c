// SPDX-License-Identifier: MIT
// When a webhook's target is left alone: the circuit breaker as a pure rule; any thread.
#include "dispatch/breaker.h"

#include "base/check.h"

#define MOST_IN_A_ROW 10
#define LEAST_RATE    70 // per cent of failures
#define LEAST_COUNT   20 // attempts, for the rate to count
#define BUCKET_MS     (30 * 1000)
#define FIRST_WAIT_MS (30 * 1000)
#define LAST_WAIT_MS  (10 * 60 * 1000)

enum effect { OPENS, CLOSES, IGNORED };

static enum effect effect_of(enum outcome outcome)
{
    static const enum effect table[OUTCOME_COUNT] = {
        IGNORED,
#define X(name, text, breaker, disable) breaker,
#include "model/outcome.def"
#undef X
    };
    return table[outcome];
}

static void count(struct breaker *b, bool is_failure, int64_t now_ms)
{
    int64_t period = now_ms / BUCKET_MS;
    struct breaker_bucket *bucket = &b->buckets[period % BREAKER_BUCKETS];
    if (bucket->period != period)
        *bucket = (struct breaker_bucket){.period = period};
    bucket->attempts++;
    bucket->failures += is_failure;
}

// A clock that was set back leaves buckets of the future behind: they do not count.
static bool is_failing_by_rate(const struct breaker *b, int64_t now_ms)
{
    int64_t period = now_ms / BUCKET_MS;
    uint64_t attempts = 0;
    uint64_t failures = 0;
    for (int i = 0; i < BREAKER_BUCKETS; i++) {
        const struct breaker_bucket *bucket = &b->buckets[i];
        if (bucket->period > period || bucket->period <= period - BREAKER_BUCKETS)
            continue;
        attempts += bucket->attempts;
        failures += bucket->failures;
    }
    return attempts >= LEAST_COUNT && failures * 100 >= attempts * LEAST_RATE;
}

static enum breaker_change note_failure(struct breaker *b, int64_t now_ms)
{
    b->in_a_row++;
    count(b, true, now_ms);
    if (b->wait_ms > 0) {
        if (now_ms < b->until_ms)
            return BREAKER_SAME;
        b->wait_ms = b->wait_ms * 2 > LAST_WAIT_MS ? LAST_WAIT_MS : b->wait_ms * 2;
        b->until_ms = now_ms + b->wait_ms;
        return BREAKER_STAYS_OPEN;
    }
    if (b->in_a_row < MOST_IN_A_ROW && !is_failing_by_rate(b, now_ms))
        return BREAKER_SAME;
    b->wait_ms = FIRST_WAIT_MS;
    b->until_ms = now_ms + b->wait_ms;
    b->since_ms = now_ms;
    return BREAKER_OPENED;
}

enum breaker_change breaker_note(struct breaker *b, enum outcome outcome, int64_t now_ms)
{
    switch (effect_of(outcome)) {
    case IGNORED: return BREAKER_SAME;
    case OPENS: return note_failure(b, now_ms);
    case CLOSES: break;
    }
    bool was_open = breaker_is_open(b);
    if (was_open)
        breaker_reset(b); // the failures that opened it must not open it again
    b->in_a_row = 0;
    count(b, false, now_ms);
    return was_open ? BREAKER_CLOSED : BREAKER_SAME;
}

bool breaker_is_open(const struct breaker *b)
{
    return b->wait_ms > 0;
}

void breaker_reset(struct breaker *b)
{
    *b = (struct breaker){0};
}
