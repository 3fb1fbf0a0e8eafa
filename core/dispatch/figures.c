// SPDX-License-Identifier: MIT
// What the dispatcher knows of its webhooks, deliveries and itself; main only.
#include "dispatch/figures.h"

#include "base/clock.h"
#include "dispatch/state.h"

static uint32_t ahead_of(const struct hook *hook, const struct delivery *delivery)
{
    uint32_t ahead = 0;
    LIST_FOREACH(node, &hook->ready) {
        if (node == &delivery->node)
            return ahead;
        ahead++;
    }
    return ahead;
}

void dispatch_overlay(const struct dispatch *d, uint64_t id, uint32_t webhook,
                      struct dispatch_overlay *out)
{
    const struct delivery *delivery = map_get(&d->deliveries, id);
    const struct hook *hook = hook_find(d, webhook);
    *out = (struct dispatch_overlay){0};
    if (delivery == NULL) {
        out->reason = hook != NULL ? holds_reason(&hook->holds, clock_wall_ms()) : NULL;
        return;
    }
    out->is_known = true;
    out->state = delivery->state;
    out->reason = delivery->last_reason;
    if (delivery->is_settling) { // an outcome that is not committed is not shown
        out->state = DELIVERY_RUNNING;
        out->reason = "its outcome is being written";
    }
    if (hook != NULL && out->state == DELIVERY_CLAIMED)
        out->ahead = ahead_of(hook, delivery);
}

void dispatch_webhook_state(const struct dispatch *d, uint32_t number,
                            struct dispatch_webhook_state *out)
{
    const struct hook *hook = hook_find(d, number);
    *out = (struct dispatch_webhook_state){.next_due_ms = INT64_MAX};
    if (hook == NULL)
        return;
    *out = hook->stats;
    out->ready = hook->ready_count;
    out->in_flight = hook->in_flight;
    out->waiting_rows = hook->rows;
    out->next_due_ms = hook->next_due_ms;
    out->waits_for_token = (hook->ready_count > 0 || hook->next_due_ms <= clock_wall_ms()) &&
                           rate_wait_ns(&hook->rate, 0, clock_mono_ns()) > 0;
    if (breaker_is_open(&hook->breaker))
        out->breaker = (struct dispatch_breaker){.since_ms = hook->breaker.since_ms,
                                                 .next_probe_ms = hook->breaker.until_ms,
                                                 .failures = hook->breaker.in_a_row};
    enum hold list[HOLD_COUNT];
    out->hold_count = holds_list(&hook->holds, clock_wall_ms(), list);
    for (size_t i = 0; i < out->hold_count; i++) {
        int64_t end = hook->holds.until_ms[list[i]];
        out->holds[i].reason = list[i];
        out->holds[i].until_ms = end == HOLD_UNTIL_RELEASED ? 0 : end;
    }
}

void dispatch_stats(const struct dispatch *d, struct dispatch_stats *out)
{
    int64_t now = clock_wall_ms();
    size_t at = 0;
    uint64_t number;
    void *value;
    *out = d->stats;
    while (map_next(&d->hooks, &at, &number, &value)) {
        const struct hook *hook = value;
        out->states[DELIVERY_PENDING] += hook->rows;
        out->states[DELIVERY_CLAIMED] += hook->ready_count;
        out->states[DELIVERY_RUNNING] += hook->in_flight;
        out->breakers_open += breaker_is_open(&hook->breaker);
        bool is_due = hook->next_due_ms < now && !hook_is_held(hook, now) &&
                      hook->webhook->is_active && !hook->is_removed;
        if (is_due && now - hook->next_due_ms > out->overdue_ms)
            out->overdue_ms = now - hook->next_due_ms;
    }
    out->unsettled = d->running + d->settling;
    out->memory_deliveries = (uint32_t)d->deliveries.count;
    out->memory_bytes = d->places_bytes;
    out->is_draining = d->is_draining;
    out->is_store_down = d->is_store_down;
}
