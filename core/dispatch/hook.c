// SPDX-License-Identifier: MIT
// A webhook's running side: what waits, what holds it, when to look at it again; main only.
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/failing.h"
#include "dispatch/quarantine.h"
#include "dispatch/replay.h"

#define CLAIM_AT_ONCE 64
#define MS_NS         (1000 * 1000LL)
#define SOON_NS       (1000 * MS_NS) // who has no token by then waits in the store

// ---- life ------------------------------------------------------------------------------------

struct hook *hook_find(const struct dispatch *d, uint32_t number)
{
    return map_get(&d->hooks, number);
}

struct hook *hook_by_uuid(const struct dispatch *d, const struct uid *uuid)
{
    return strmap_get(&d->hooks_by_uuid, span_make(uuid->bytes, sizeof uuid->bytes));
}

static void apply_pause(struct dispatch *d, struct hook *hook)
{
    if (hook->webhook->is_paused)
        hook_hold(d, hook, HOLD_PAUSED, HOLD_UNTIL_RELEASED);
    else
        hook_release(d, hook, HOLD_PAUSED);
    tenant_apply_pause(d, hook);
}

struct hook *hook_new(struct dispatch *d, struct webhook *webhook)
{
    struct hook *hook = xcalloc(1, sizeof *hook);
    hook->magic = HOOK_MAGIC;
    hook->number = webhook->number;
    hook->webhook = webhook_ref(webhook);
    hook->next_due_ms = INT64_MAX;
    hook->tenant = tenant_find(d, webhook->tenant);
    if (hook->tenant == NULL) // its tenant was removed, or tenants = "open"
        hook->tenant = tenant_new(d, webhook->tenant);
    list_init(&hook->ready);
    hook->tenant->hooks++;
    match_add(&hook->tenant->match, webhook);
    map_set(&d->hooks, hook->number, hook);
    strmap_set(&d->hooks_by_uuid, span_make(webhook->uuid.bytes, sizeof webhook->uuid.bytes), hook);
    if (hook->number > d->highest_number)
        d->highest_number = hook->number;
    rate_set(&hook->rate, webhook->rate_per_second, webhook->rate_burst, clock_mono_ns());
    apply_pause(d, hook);
    return hook;
}

void hook_replace(struct dispatch *d, struct hook *hook, struct webhook *webhook)
{
    struct webhook *old = hook->webhook;
    match_remove(&hook->tenant->match, old);
    hook->webhook = webhook_ref(webhook);
    struct tenant *tenant = tenant_find(d, webhook->tenant);
    if (tenant == NULL)
        tenant = tenant_new(d, webhook->tenant);
    if (tenant != hook->tenant) {
        list_remove(&hook->turn);
        hook->tenant->places -= hook->places;
        hook->tenant->in_flight -= hook->in_flight;
        hook->tenant->rows -= hook->rows;
        hook->tenant->hooks--;
        tenant_update(d, hook->tenant);
        tenant->places += hook->places;
        tenant->in_flight += hook->in_flight;
        tenant->rows += hook->rows;
        tenant->hooks++;
        hook->tenant = tenant;
    }
    match_add(&tenant->match, webhook);
    if (!span_eq(old->target, webhook->target) || (webhook->is_active && !old->is_active)) {
        breaker_reset(&hook->breaker);
        hook_release(d, hook, HOLD_BREAKER);
        hook_release(d, hook, HOLD_RETRY_AFTER);
        failing_end(d, hook);
    }
    if (!webhook->is_active)
        failing_end(d, hook);
    rate_set(&hook->rate, webhook->rate_per_second, webhook->rate_burst, clock_mono_ns());
    quarantine_on_edit(d, hook, old);
    replay_on_edit(d, hook);
    webhook_unref(old);
    apply_pause(d, hook);
    hook_update(d, hook);
}

uint32_t hook_room(const struct hook *hook)
{
    uint32_t room = 4 * hook->webhook->max_in_flight;
    return room < 128 ? 128 : room;
}

// A claim that brings all there is ends the queue in the store: otherwise a webhook at full speed
// that spilled once would go on by way of rows, which is slower, and never catch up.
bool hook_is_behind(const struct hook *hook, int64_t now_ms)
{
    uint64_t waiting = hook->rows > hook->rows_here ? hook->rows - hook->rows_here : 0;
    if (hook->claiming > 0)
        return waiting > hook->claiming;
    return hook->next_due_ms <= now_ms;
}

// ---- what holds it ---------------------------------------------------------------------------

bool hook_is_held(const struct hook *hook, int64_t now_ms)
{
    return holds_end(&hook->holds) > now_ms;
}

void hook_hold(struct dispatch *d, struct hook *hook, enum hold reason, int64_t until_ms)
{
    if (hook->holds.until_ms[reason] >= until_ms)
        return; // the target said a longer time before, or this is known
    holds_set(&hook->holds, reason, until_ms);
    hook_give_back(d, hook, hold_name(reason));
    hook_update(d, hook);
}

void hook_release(struct dispatch *d, struct hook *hook, enum hold reason)
{
    if (hook->holds.until_ms[reason] == 0)
        return;
    holds_clear(&hook->holds, reason);
    hook_update(d, hook);
}

void hook_give_back(struct dispatch *d, struct hook *hook, const char *reason)
{
    LIST_FOREACH_SAFE(node, &hook->ready) {
        struct delivery *delivery = CONTAINER_OF(node, struct delivery, node);
        struct settle_how how = {
            .state = DELIVERY_PENDING, .due_ms = clock_wall_ms(), .reason = reason};
        hook->ready_count--;
        settle(d, delivery, NULL, &how);
    }
}

// At most one at once while the breaker is open: the probe.
static uint32_t in_flight_limit(const struct hook *hook)
{
    return breaker_is_open(&hook->breaker) ? 1 : hook->webhook->max_in_flight;
}

// ---- the rate limit ----------------------------------------------------------------------------

// Deliveries in memory that have no token yet.
static uint32_t without_token(const struct hook *hook)
{
    uint32_t sent = hook->in_flight - hook->rendering;
    return hook->places > sent ? hook->places - sent : 0;
}

bool hook_has_token_soon(const struct hook *hook)
{
    if (hook->rate.interval_ns == 0)
        return true;
    return rate_wait_ns(&hook->rate, without_token(hook), clock_mono_ns()) <= SOON_NS;
}

// Nothing but a token is missing: looks again when there is one. True: there is one.
static bool has_token(struct dispatch *d, struct hook *hook)
{
    int64_t now = clock_mono_ns();
    int64_t wait = rate_wait_ns(&hook->rate, hook->rendering, now);
    if (wait == 0)
        return true;
    heap_set(&d->tokens, &hook->token, (now + wait) / MS_NS + 1);
    dispatch_arm(d);
    return false;
}

void hook_wake_tokens(struct dispatch *d)
{
    int64_t now = clock_mono_ms();
    struct heap_node *node;
    while ((node = heap_min(&d->tokens)) != NULL && node->key <= now)
        hook_update(d, CONTAINER_OF(node, struct hook, token));
}

// How many rows it may have now. None for want of tokens: `wait_ms` says when to ask again, which is
// late enough for a claim to be worth it.
static uint32_t claim_room(const struct hook *hook, int64_t *wait_ms)
{
    uint32_t room = hook->places < hook_room(hook) ? hook_room(hook) - hook->places : 0;
    *wait_ms = 0;
    if (breaker_is_open(&hook->breaker))
        room = hook->places == 0;
    room = room < CLAIM_AT_ONCE ? room : CLAIM_AT_ONCE;
    if (hook->rate.interval_ns == 0 || room == 0)
        return room;
    int64_t now = clock_mono_ns();
    uint32_t waiting = without_token(hook);
    uint32_t tokens = rate_within(&hook->rate, SOON_NS, now);
    uint32_t worth = (uint32_t)(SOON_NS / hook->rate.interval_ns / 4);
    worth = worth < 1 ? 1 : worth < room ? worth : room;
    if (tokens >= waiting + worth)
        return tokens - waiting < room ? tokens - waiting : room;
    int64_t wait = rate_wait_ns(&hook->rate, waiting + worth - 1, now) - SOON_NS;
    *wait_ms = wait > 0 ? wait / MS_NS + 1 : 1;
    return 0;
}

// ---- what it does next -------------------------------------------------------------------------

void hook_update(struct dispatch *d, struct hook *hook)
{
    int64_t now = clock_wall_ms();
    bool is_held = hook_is_held(hook, now);
    bool is_runnable = hook->ready_count > 0 && !is_held && hook->in_flight < in_flight_limit(hook);
    heap_remove(&d->tokens, &hook->token);
    if (is_runnable && hook->rate.interval_ns > 0)
        is_runnable = has_token(d, hook);
    if (!is_runnable)
        list_remove(&hook->turn);
    else if (!list_is_linked(&hook->turn))
        list_append(&hook->tenant->runnable, &hook->turn);
    tenant_update(d, hook->tenant);
    int64_t end = holds_end(&hook->holds);
    int64_t at = hook->next_due_ms > end ? hook->next_due_ms : end;
    int64_t wait_ms = 0;
    if (at == INT64_MAX || hook->claiming > 0 || !hook->webhook->is_active || hook->is_removed ||
        d->is_draining || (claim_room(hook, &wait_ms) == 0 && wait_ms == 0)) {
        heap_remove(&d->wakes, &hook->wake);
        return;
    }
    if (wait_ms > 0 && at < now + wait_ms)
        at = now + wait_ms;
    heap_set(&d->wakes, &hook->wake, at);
    dispatch_arm(d);
}

void hook_count_rows(struct hook *hook, int64_t change)
{
    uint64_t gone = change < 0 ? (uint64_t)-change : 0;
    if (gone > hook->rows)
        gone = hook->rows; // those of a deactivated webhook may be gone
    uint64_t come = change > 0 ? (uint64_t)change : 0;
    hook->rows += come - gone;
    hook->tenant->rows += come - gone;
}

void hook_add_row(struct dispatch *d, struct hook *hook, int64_t due_ms)
{
    if (due_ms < hook->next_due_ms)
        hook->next_due_ms = due_ms;
    hook_update(d, hook);
}

// ---- the circuit breaker -----------------------------------------------------------------------

static void log_open(const struct hook *hook, bool is_new, enum outcome outcome)
{
    struct log_record r;
    log_begin(&r, is_new ? LOG_WARN : LOG_INFO, LOG_DISPATCH_AREA,
              is_new ? "circuit breaker opened" : "circuit breaker stays open");
    log_uid(&r, "webhook", &hook->webhook->uuid);
    log_str(&r, "outcome", outcome_name(outcome));
    log_int(&r, "failures", hook->breaker.in_a_row);
    log_int(&r, "next_probe_ms", hook->breaker.wait_ms);
    log_end(&r);
}

void hook_note_outcome(struct dispatch *d, struct hook *hook, enum outcome outcome)
{
    int64_t now = clock_wall_ms();
    hook->stats.last_attempt_ms = now;
    hook->stats.last_outcome = outcome;
    enum breaker_change change = breaker_note(&hook->breaker, outcome, now);
    switch (change) {
    case BREAKER_SAME: break;
    case BREAKER_OPENED:
    case BREAKER_STAYS_OPEN:
        hook_hold(d, hook, HOLD_BREAKER, hook->breaker.until_ms);
        log_open(hook, change == BREAKER_OPENED, outcome);
        d->stats.breaker_openings += change == BREAKER_OPENED;
        break;
    case BREAKER_CLOSED:
        log_line(LOG_INFO, LOG_DISPATCH_AREA, "circuit breaker closed");
        hook_release(d, hook, HOLD_BREAKER);
        break;
    }
}

void dispatch_breaker_reset(struct dispatch *d, uint32_t number, struct span by)
{
    struct hook *hook = hook_find(d, number);
    if (hook == NULL || !breaker_is_open(&hook->breaker))
        return;
    breaker_reset(&hook->breaker);
    struct log_record r;
    log_begin(&r, LOG_INFO, LOG_DISPATCH_AREA, "circuit breaker reset");
    log_uid(&r, "webhook", &hook->webhook->uuid);
    log_span(&r, "by", by);
    log_end(&r);
    hook_release(d, hook, HOLD_BREAKER);
    hook_update(d, hook);
}

// ---- claiming due rows -------------------------------------------------------------------------

struct hook_claim {
    struct store_claim op;
    struct dispatch *dispatch;
    uint32_t number;
    struct claimed rows[CLAIM_AT_ONCE];
};

static void on_claimed(struct store_op *op)
{
    struct hook_claim *claim = (struct hook_claim *)(void *)op;
    struct dispatch *d = claim->dispatch;
    struct hook *hook = hook_find(d, claim->number);
    CHECK(hook != NULL); // a claim keeps it
    hook->claiming = 0;
    if (op->err != OK) {
        // The store says why in its own log; look again in a second.
        hook->next_due_ms = clock_wall_ms() + 1000;
        hook_update(d, hook);
        xfree(claim);
        return;
    }
    hook->next_due_ms = claim->op.next_due_ms;
    hook->places -= (uint32_t)(claim->op.max - claim->op.count);
    hook->tenant->places -= (uint32_t)(claim->op.max - claim->op.count);
    for (size_t i = 0; i < claim->op.count; i++)
        run_add(d, hook, &claim->rows[i]);
    int64_t now = clock_wall_ms();
    if (hook_is_held(hook, now)) // since the claim was made
        hook_give_back(d, hook, holds_reason(&hook->holds, now));
    hook_update(d, hook);
    xfree(claim);
}

static void claim_rows(struct dispatch *d, struct hook *hook, int64_t now_ms)
{
    int64_t wait_ms = 0;
    uint32_t room = claim_room(hook, &wait_ms);
    if (room == 0) { // its clock has not come as far as the heap's
        hook_update(d, hook);
        return;
    }
    struct hook_claim *claim = xcalloc(1, sizeof *claim);
    store_op_init(&claim->op.op, STORE_CLAIM, on_claimed, NULL);
    claim->dispatch = d;
    claim->number = hook->number;
    claim->op.webhook = hook->number;
    claim->op.now_ms = now_ms;
    claim->op.max = room;
    claim->op.rows = claim->rows;
    hook->claiming = room;
    hook->places += room;
    hook->tenant->places += room;
    store_submit(d->env.store, &claim->op.op);
}

void hook_wake_due(struct dispatch *d)
{
    int64_t now = clock_wall_ms();
    struct heap_node *node;
    while ((node = heap_min(&d->wakes)) != NULL && node->key <= now) {
        struct hook *hook = CONTAINER_OF(node, struct hook, wake);
        heap_remove(&d->wakes, node);
        claim_rows(d, hook, now);
    }
}
