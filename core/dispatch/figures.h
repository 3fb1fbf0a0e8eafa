// SPDX-License-Identifier: MIT
// What the dispatcher knows of its webhooks, deliveries and itself, for API and metrics; main only.
#pragma once

#include "dispatch/dispatch.h"
#include "dispatch/holds.h"

// What main knows of a webhook's traffic since the start.
struct dispatch_webhook_state {
    uint64_t delivered, failed, filtered, dead; // attempts or deliveries since the start
    uint32_t ready, in_flight;
    uint64_t waiting_rows; // pending rows
    int64_t next_due_ms;   // INT64_MAX: none
    size_t hold_count;     // what holds it, the one that ends last first; 0: not held
    struct dispatch_hold {
        enum hold reason;
        int64_t until_ms; // 0: until somebody acts
    } holds[HOLD_COUNT];
    struct dispatch_breaker {
        int64_t since_ms;      // when it opened; 0: it is closed
        int64_t next_probe_ms; // may be past: the probe is under way, or nothing waits
        uint32_t failures;     // in a row
    } breaker;
    bool waits_for_token;    // of its rate limit: more is due than may go now
    int64_t last_attempt_ms; // 0: none
    enum outcome last_outcome;
};
void dispatch_webhook_state(const struct dispatch *dispatch, uint32_t number,
                            struct dispatch_webhook_state *out);

// What main knows and the store does not (yet): lay it over a row.
struct dispatch_overlay {
    bool is_known; // in memory here
    enum delivery_state state;
    const char *reason; // static: what it waits for, or is doing
    uint32_t ahead;     // how many are before it in its webhook's queue
};
void dispatch_overlay(const struct dispatch *dispatch, uint64_t id, uint32_t webhook,
                      struct dispatch_overlay *out);

struct dispatch_stats {
    uint64_t events, deliveries[OUTCOME_COUNT], attempts[OUTCOME_COUNT];
    uint64_t states[DELIVERY_STATE_COUNT]; // pending (rows), claimed, running: now
    uint64_t latency_buckets[24];          // accepted → delivered; powers of two from 256 us
    uint64_t latency_count, latency_sum_us;
    uint64_t phase_buckets[5][24], phase_count[5], phase_sum_us[5]; // dns connect tls first total
    uint32_t unsettled, memory_deliveries;
    uint64_t memory_bytes, webhooks_disabled;
    uint64_t spilled; // deliveries that became rows for want of room
    int64_t overdue_ms;
    uint32_t breakers_open, quarantined; // webhooks, now
    uint32_t disabling;                  // webhooks, now: they fail, and notice was given
    uint64_t quarantines;                // since the start
    uint64_t breaker_openings;           // since the start
    bool is_draining, is_store_down;
};
void dispatch_stats(const struct dispatch *dispatch, struct dispatch_stats *out);
