// SPDX-License-Identifier: MIT
// What a tenant may use, and whether it is paused; a pure value, any thread. (delivery.md, Tenants)
#pragma once

#include "json/json_write.h"
#include "model/problem.h"

#define TENANT_MAX_IN_FLIGHT 100000
#define TENANT_MAX_EVENTS    1000000.0 // per second
#define TENANT_MIN_EVENTS    0.001
#define TENANT_MAX_COUNT     1000000000

// Begin with zeros: no limit, and it is not paused.
struct tenant_limits {
    bool is_paused;           // all its deliveries wait
    uint32_t max_in_flight;   // requests of all its webhooks together; 0: no limit
    double events_per_second; // that it may send; 0: no limit
    uint32_t events_burst;    // of these, at once after a pause; 0: a second's worth
    uint32_t max_waiting;     // deliveries that wait in the store; 0: no limit
    uint32_t max_webhooks;    // 0: no limit
};

// Changes what the members of a JSON object name; null takes a limit away. Each mistake becomes a
// problem; ERR_SYNTAX if any, and `limits` stays.
MUST_CHECK enum err tenant_limits_change(struct tenant_limits *limits, struct span json,
                                         struct problems *problems);
// The members, without braces, so that others can follow; no limit is null.
void tenant_limits_print(const struct tenant_limits *limits, struct json_writer *w);
