// SPDX-License-Identifier: MIT
// When a webhook's target is left alone: the circuit breaker as a pure rule; any thread.
// (delivery.md, Limits)
//
// Opens after 10 failures in a row, or when at least 70 % of at least 20 attempts within 5 minutes
// failed. While it is open one attempt, the probe, may start when `until_ms` has come; a probe that
// fails doubles the wait, from 30 s to 10 min. Which outcomes count: model/outcome.def.
#pragma once

#include <stdint.h>

#include "model/outcome.h"

#define BREAKER_BUCKETS 10

// Attempts of 30 s.
struct breaker_bucket {
    int64_t period; // milliseconds since 1970 / 30 s; another one than is asked for: empty
    uint32_t attempts, failures;
};

// Begin with zeros: closed.
struct breaker {
    uint32_t in_a_row; // failures
    int64_t wait_ms;   // 0: closed; else how long after the last probe the next one waits
    int64_t until_ms;  // wall clock: the next probe, while it is open
    int64_t since_ms;  // wall clock: when it opened, while it is open
    struct breaker_bucket buckets[BREAKER_BUCKETS];
};

enum breaker_change { BREAKER_SAME, BREAKER_OPENED, BREAKER_STAYS_OPEN, BREAKER_CLOSED };

// An attempt has ended. STAYS_OPEN: a probe failed, `until_ms` is new. Failures of what was under
// way when it opened change nothing.
enum breaker_change breaker_note(struct breaker *breaker, enum outcome outcome, int64_t now_ms);
bool breaker_is_open(const struct breaker *breaker);
// Somebody says so, or it is another target now: closed, and nothing is remembered.
void breaker_reset(struct breaker *breaker);
