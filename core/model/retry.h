// SPDX-License-Identifier: MIT
// What happens after an attempt: a pure function of facts (delivery.md, Retries); any thread.
#pragma once

#include "model/delivery.h"
#include "model/webhook.h"

// What is known when an attempt has ended. Times in milliseconds of the wall clock.
struct retry_facts {
    enum outcome outcome;
    enum attempt_verdict verdict;
    int64_t verdict_after_ms; // 0: none
    int64_t retry_after_ms;   // -1: none
    uint32_t attempts;        // made so far, this one included
    int64_t now_ms;
    int64_t accepted_ms;
    int64_t expires_at_ms; // 0: never
    int64_t max_age_ms;
    const uint32_t *schedule_s; // waits before the second, third … attempt
    uint32_t schedule_count;
    double random; // [0, 1): jitter
};

struct retry_decision {
    enum delivery_state state;     // DELIVERED FILTERED PENDING DEAD
    enum outcome outcome;          // as recorded: a verdict changes it
    int64_t due_ms;                // PENDING: when
    int64_t hold_webhook_ms;       // 0, or how long Retry-After holds the whole webhook
    enum webhook_disabled disable; // WEBHOOK_ENABLED: no
    const char *reason;            // static, for people
};

extern const uint32_t retry_default_s[];
extern const uint32_t retry_default_count;
struct retry_decision retry_decide(const struct retry_facts *facts);
