// SPDX-License-Identifier: MIT
// Deliveries in memory: whose turn it is, rendering, sending, judging, what follows; main only.
//
// A flight's way, callbacks in firing order: start → on_rendered (scripts only) → dispatch_on_sent →
// on_judged (a `response` function only) → finish → settle.
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "crypto/mac.h"
#include "dispatch/engine_event.h"
#include "dispatch/failing.h"
#include "dispatch/quarantine.h"
#include "model/retry.h"

#define MAX_KILLS           3                 // renderings that may kill a host, then it is dead
#define SCRIPT_OUTPUT_BYTES (5 * 1024 * 1024) // what scripts may add to an attempt's arena
#define ANSWER_BYTES        (512 * 1024)      // what an answer may add

static void on_rendered(struct script_visit *visit);
static void on_judged(struct script_visit *visit);
static void finish(struct dispatch *d, struct flight *flight);

// ---- in memory ---------------------------------------------------------------------------------

struct delivery *run_add(struct dispatch *d, struct hook *hook, const struct claimed *from)
{
    struct delivery *delivery = xcalloc(1, sizeof *delivery);
    delivery->magic = DELIVERY_MAGIC;
    delivery->state = DELIVERY_PENDING; // banned-ok: it is born, not moved
    delivery->id = from->delivery;
    delivery->event = from->event;
    delivery->webhook = from->webhook;
    delivery->attempts = from->attempts;
    delivery->kills = from->kills;
    delivery->has_row = from->has_row;
    delivery->is_replay = from->is_replay;
    delivery->committed_mono_ms = delivery->ready_mono_ms = clock_mono_ms();
    d->places_bytes += event_size(delivery->event);
    CHECK(map_set(&d->deliveries, delivery->id, delivery) == NULL);
    delivery_move(delivery, DELIVERY_CLAIMED, "waits for its turn");
    list_append(&hook->ready, &delivery->node);
    hook->ready_count++;
    hook->rows_here += delivery->has_row;
    if (!delivery->has_row) {
        list_append(&d->young, &delivery->age_node);
        dispatch_arm(d);
    }
    return delivery;
}

void run_forget(struct dispatch *d, struct delivery *delivery)
{
    struct hook *hook = hook_find(d, delivery->webhook);
    CHECK(hook != NULL);
    hook->rows_here -= delivery->has_row;
    d->places_bytes -= event_size(delivery->event);
    map_remove(&d->deliveries, delivery->id);
    list_remove(&delivery->node);
    list_remove(&delivery->age_node);
    event_unref(delivery->event);
    delivery->magic = 0;
    xfree(delivery);
    hook_update(d, hook);
}

// ---- start -------------------------------------------------------------------------------------

static struct flight *flight_new(struct dispatch *d, struct hook *hook, struct event *event,
                                 uint64_t delivery)
{
    struct flight *flight = xcalloc(1, sizeof *flight);
    flight->magic = FLIGHT_MAGIC;
    flight->dispatch = d;
    flight->hook = hook;
    flight->webhook = webhook_ref(hook->webhook);
    flight->event = event_ref(event);
    flight->attempt = attempt_new(delivery, request_bound(event, hook->webhook) +
                                                SCRIPT_OUTPUT_BYTES + ANSWER_BYTES);
    flight->attempt->webhook = hook->number;
    flight->attempt->context = flight;
    flight->attempt->started_ms = clock_system_ms(); // receivers compare it
    d->running++;
    return flight;
}

static void flight_free(struct flight *flight)
{
    flight->dispatch->running--;
    webhook_unref(flight->webhook);
    event_unref(flight->event);
    attempt_free(flight->attempt);
    flight->magic = 0;
    xfree(flight);
}

static void visit(struct flight *flight, bool is_response, size_t data_at,
                  void (*on_done)(struct script_visit *visit))
{
    flight->visit = (struct script_visit){
        .magic = SCRIPT_VISIT_MAGIC,
        .is_response = is_response,
        .attempt = flight->attempt,
        .event = flight->event,
        .webhook = flight->webhook,
        .env = &flight->hook->tenant->env,
        .data_at = data_at,
        .on_done = on_done,
        .context = flight,
    };
    script_visit(flight->dispatch->env.script, &flight->visit);
}

// Without a sender the engine is stopping: nothing is known of the attempt, it is made again later.
static void send_out(struct dispatch *d, struct flight *flight)
{
    if (d->sender == NULL) {
        finish(d, flight);
        return;
    }
    flight->was_sent = true;
    flight->hook->rendering -= flight->delivery != NULL;
    rate_take(&flight->hook->rate, clock_mono_ns());
    sender_send(d->sender, &flight->attempt);
}

static void launch(struct dispatch *d, struct flight *flight)
{
    bool has_scripts = script_has_render(d->env.script, flight->webhook);
    size_t data_at = 0;
    if (flight->webhook->script_count > 0 && !has_scripts &&
        !script_has_response(d->env.script, flight->webhook))
        has_scripts = true; // names that are gone: the host's side says which
    if (request_build(flight->attempt, flight->event, flight->webhook, &flight->hook->tenant->env,
                      has_scripts, &data_at) != OK) {
        flight->attempt->outcome = OUTCOME_SCRIPT_ERROR;
        flight->attempt->reason =
            SPAN("the extra headers are longer than 64 KiB with their hook_env values");
        finish(d, flight);
        return;
    }
    if (has_scripts)
        visit(flight, false, data_at, on_rendered);
    else
        send_out(d, flight);
}

// Past its time before it has begun? Then it ends here, without an attempt.
static bool is_over(struct dispatch *d, struct hook *hook, struct delivery *delivery)
{
    const struct event *event = delivery->event;
    int64_t now = clock_wall_ms();
    struct settle_how how = {.state = DELIVERY_DEAD};
    if (event->expires_at_ms != 0 && now >= event->expires_at_ms) {
        how.outcome = OUTCOME_EXPIRED;
        how.reason = "it is past its expires_at";
    } else if (!delivery->is_replay && now - event->accepted_ms > d->env.config->max_age &&
               now - event->deliver_at_ms > d->env.config->max_age) {
        how.outcome = OUTCOME_TOO_OLD;
        how.reason = "it is older than max_age";
    } else {
        return false;
    }
    d->stats.deliveries[how.outcome]++;
    hook->stats.dead++;
    settle(d, delivery, NULL, &how);
    return true;
}

static void start(struct dispatch *d, struct hook *hook, struct delivery *delivery)
{
    hook->ready_count--;
    if (is_over(d, hook, delivery)) {
        hook_update(d, hook);
        return;
    }
    delivery_move(delivery, DELIVERY_RUNNING, "is being sent");
    hook->in_flight++;
    hook->tenant->in_flight++;
    hook->rendering++;
    struct flight *flight = flight_new(d, hook, delivery->event, delivery->id);
    flight->delivery = delivery;
    flight->attempt->number = delivery->attempts + 1;
    flight->attempt->waited_ms = (uint32_t)(clock_mono_ms() - delivery->ready_mono_ms);
    if (flight->attempt->waited_ms > 0)
        flight->attempt->wait_reason = hook->rate.interval_ns > 0
                                           ? SPAN("waited for its turn and its rate limit")
                                           : SPAN("waited for its turn");
    hook_update(d, hook);
    launch(d, flight);
}

// Tenants take turns, and within a tenant its webhooks.
void run_pump(struct dispatch *d)
{
    while (!list_is_empty(&d->turns)) {
        if (d->is_draining || d->is_store_down || d->sender == NULL ||
            d->settling >= (uint32_t)d->env.config->max_unsettled)
            return;
        struct tenant *tenant = CONTAINER_OF(list_first(&d->turns), struct tenant, turn);
        struct hook *hook = CONTAINER_OF(list_first(&tenant->runnable), struct hook, turn);
        list_remove(&tenant->turn);
        list_remove(&hook->turn);
        list_append(&d->turns, &tenant->turn);
        list_append(&tenant->runnable, &hook->turn);
        struct list_node *first = list_first(&hook->ready);
        CHECK(first != NULL); // or it would not be runnable
        start(d, hook, CONTAINER_OF(first, struct delivery, node));
    }
}

// ---- rendered ----------------------------------------------------------------------------------

static enum outcome outcome_of_result(enum script_result result)
{
    switch (result) {
    case SCRIPT_DONE: return OUTCOME_NONE;
    case SCRIPT_FILTERED: return OUTCOME_FILTERED;
    case SCRIPT_ERROR: return OUTCOME_SCRIPT_ERROR;
    case SCRIPT_TIMEOUT: return OUTCOME_SCRIPT_TIMEOUT;
    case SCRIPT_MEMORY: return OUTCOME_SCRIPT_MEMORY;
    case SCRIPT_KILLED: return OUTCOME_SCRIPT_KILLED;
    }
    CHECK(!"a script_result");
    return OUTCOME_NONE;
}

static void on_rendered(struct script_visit *visit)
{
    struct flight *flight;
    CAST(flight, visit->context, FLIGHT_MAGIC);
    struct dispatch *d = flight->dispatch;
    struct attempt *attempt = flight->attempt;
    if (failpoint_hit(FAILPOINT_SCRIPT_AFTER_RENDER))
        visit->result = SCRIPT_ERROR;
    attempt->outcome = outcome_of_result(visit->result);
    if (d->env.script == NULL && visit->result == SCRIPT_KILLED)
        attempt->outcome = OUTCOME_NONE; // its host was stopped with the engine: nothing is known
    attempt->body_len = (uint32_t)attempt->body.len;
    mac_digest(MAC_SHA256, attempt->body, attempt->body_sha256);
    if (visit->result != SCRIPT_DONE)
        finish(d, flight);
    else
        send_out(d, flight);
}

// ---- sent --------------------------------------------------------------------------------------

void dispatch_on_sent(void *context, struct list *attempts)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct list_node *node;
    while ((node = list_pop(attempts)) != NULL) {
        struct attempt *attempt = CONTAINER_OF(node, struct attempt, node);
        CHECK(attempt->magic == ATTEMPT_MAGIC);
        struct flight *flight;
        CAST(flight, attempt->context, FLIGHT_MAGIC);
        flight->attempt = attempt;
        if (attempt->status != 0 && script_has_response(d->env.script, flight->webhook))
            visit(flight, true, 0, on_judged);
        else
            finish(d, flight);
    }
}

// A `response` that fails leaves the status to decide, and is recorded.
static void on_judged(struct script_visit *visit)
{
    struct flight *flight;
    CAST(flight, visit->context, FLIGHT_MAGIC);
    if (visit->result != SCRIPT_DONE && flight->attempt->response_error.len == 0)
        flight->attempt->response_error = SPAN("the response function failed");
    if (visit->result != SCRIPT_DONE)
        flight->attempt->verdict = VERDICT_NONE;
    finish(flight->dispatch, flight);
}

// ---- finished ----------------------------------------------------------------------------------

static struct retry_decision decide(struct dispatch *d, const struct flight *flight)
{
    const struct webhook *webhook = flight->webhook;
    const struct attempt *attempt = flight->attempt;
    const struct event *event = flight->event;
    bool is_young_age = event->deliver_at_ms > event->accepted_ms;
    struct retry_facts facts = {
        .outcome = attempt->outcome,
        .verdict = attempt->verdict,
        .verdict_after_ms = attempt->verdict_after_ms,
        .retry_after_ms = attempt->retry_after_ms,
        .attempts = attempt->number,
        .now_ms = clock_wall_ms(),
        .accepted_ms = is_young_age ? event->deliver_at_ms : event->accepted_ms,
        .expires_at_ms = event->expires_at_ms,
        .max_age_ms = flight->delivery->is_replay ? INT64_MAX / 2 : d->env.config->max_age,
        .schedule_s = webhook->has_retry ? webhook->retry_s : retry_default_s,
        .schedule_count = webhook->has_retry ? webhook->retry_count : retry_default_count,
        .random = rand_unit(),
    };
    struct retry_decision decision = retry_decide(&facts);
    if (attempt->outcome == OUTCOME_SCRIPT_KILLED && flight->delivery->kills >= MAX_KILLS) {
        decision.state = DELIVERY_DEAD;
        decision.reason = "rendering it was killed 3 times";
    }
    if (decision.state == DELIVERY_PENDING &&
        (flight->hook->is_removed || !flight->hook->webhook->is_active)) {
        decision.state = DELIVERY_CANCELLED;
        decision.reason = "its webhook was deactivated or deleted";
    }
    return decision;
}

static uint32_t bucket_of(uint64_t us, uint32_t first_us, uint32_t count)
{
    uint32_t bucket = 0;
    while (bucket + 1 < count && us > (uint64_t)first_us << bucket)
        bucket++;
    return bucket;
}

static void count_phase(struct dispatch_stats *stats, int phase, uint32_t us)
{
    if (us == 0)
        return;
    stats->phase_buckets[phase][bucket_of(us, 256, 24)]++;
    stats->phase_count[phase]++;
    stats->phase_sum_us[phase] += us;
}

static void count_attempt(struct dispatch *d, const struct flight *flight,
                          const struct retry_decision *decision)
{
    const struct attempt_times *times = &flight->attempt->times;
    struct dispatch_stats *stats = &d->stats;
    struct hook *hook = flight->hook;
    stats->attempts[decision->outcome]++;
    count_phase(stats, 0, times->dns_us);
    count_phase(stats, 1, times->connect_us);
    count_phase(stats, 2, times->tls_us);
    count_phase(stats, 3, times->first_byte_us);
    count_phase(stats, 4, times->total_us);
    if (decision->state == DELIVERY_PENDING) {
        hook->stats.failed++;
        return;
    }
    stats->deliveries[decision->outcome]++;
    hook->stats.delivered += decision->state == DELIVERY_DELIVERED;
    hook->stats.filtered += decision->state == DELIVERY_FILTERED;
    hook->stats.dead += decision->state == DELIVERY_DEAD;
    if (decision->state == DELIVERY_DELIVERED) {
        int64_t ms = clock_wall_ms() - flight->event->accepted_ms;
        uint64_t us = ms > 0 ? (uint64_t)ms * 1000 : 0;
        stats->latency_buckets[bucket_of(us, 256, 24)]++;
        stats->latency_count++;
        stats->latency_sum_us += us;
    }
}

static void log_attempt(const struct flight *flight, const struct retry_decision *decision)
{
    enum log_level level = decision->state == DELIVERY_DEAD      ? LOG_WARN
                           : decision->state == DELIVERY_PENDING ? LOG_INFO
                                                                 : LOG_DEBUG;
    const struct attempt *attempt = flight->attempt;
    struct log_record r;
    if (!log_is_on(level))
        return;
    log_begin(&r, level, LOG_DISPATCH_AREA, "attempt");
    log_uid(&r, "event", &flight->event->id);
    log_uid(&r, "webhook", &flight->webhook->uuid);
    log_int(&r, "place", delivery_index(attempt->delivery));
    log_int(&r, "attempt", attempt->number);
    log_str(&r, "outcome", outcome_name(decision->outcome));
    if (attempt->status != 0)
        log_int(&r, "status", attempt->status);
    log_str(&r, "state", delivery_state_name(decision->state));
    if (attempt->scripts.len > 0) {
        log_span(&r, "scripts", attempt->scripts);
        log_int(&r, "script_cpu_us", attempt->script_cpu_us);
        log_int(&r, "script_memory_bytes", attempt->script_memory_bytes);
    }
    log_str(&r, "why", decision->reason);
    log_span(&r, "reason", attempt->reason);
    if (flight->event->traceparent.len > 0)
        log_span(&r, "traceparent", flight->event->traceparent);
    log_end(&r);
}

static void on_disabled(void *context, enum err err, struct webhook *webhook)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    if (err != OK) {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "a webhook could not be disabled: %s",
                 err_text(err));
        return;
    }
    struct log_record r;
    log_begin(&r, LOG_WARN, LOG_DISPATCH_AREA, "webhook disabled");
    log_uid(&r, "webhook", &webhook->uuid);
    log_str(&r, "why", webhook_disabled_name(webhook->disabled));
    log_end(&r);
    d->stats.webhooks_disabled++;
    engine_event_disabled(d, hook_by_uuid(d, &webhook->uuid));
}

void run_disable(struct dispatch *d, struct hook *hook, enum webhook_disabled why)
{
    if (!hook->webhook->is_active || hook->is_saving || hook->is_removed)
        return;
    struct webhook *fresh = webhook_copy(hook->webhook);
    fresh->is_active = false;
    fresh->disabled = why;
    fresh->disabled_ms = clock_wall_ms();
    dispatch_webhook_put(d, fresh, 0, SPAN("engine"), "disable", on_disabled, d);
    webhook_unref(fresh);
}

static void finish_test(struct dispatch *d, struct flight *flight)
{
    struct attempt *attempt = flight->attempt;
    (void)d;
    flight->attempt = NULL;
    flight->on_test(flight->test_context, attempt);
    flight_free(flight);
}

static void finish(struct dispatch *d, struct flight *flight)
{
    struct delivery *delivery = flight->delivery;
    struct hook *hook = flight->hook;
    struct attempt *attempt = flight->attempt;
    if (attempt->is_test) {
        finish_test(d, flight);
        return;
    }
    hook->in_flight--;
    hook->tenant->in_flight--;
    hook->rendering -= !flight->was_sent;
    if (attempt->is_resent)
        rate_take(&hook->rate, clock_mono_ns()); // its target has seen two
    if (attempt->outcome == OUTCOME_NONE) {      // stopped before it ended: nothing is known of it
        struct settle_how how = {.state = DELIVERY_PENDING,
                                 .due_ms = clock_wall_ms(),
                                 .reason = "the engine was stopped"};
        settle(d, delivery, NULL, &how);
        flight_free(flight);
        hook_update(d, hook);
        return;
    }
    delivery->attempts = attempt->number;
    delivery->kills += attempt->outcome == OUTCOME_SCRIPT_KILLED;
    struct retry_decision decision = decide(d, flight);
    log_attempt(flight, &decision);
    count_attempt(d, flight, &decision);
    hook_note_outcome(d, hook, attempt->outcome);
    if (flight->visit.magic == SCRIPT_VISIT_MAGIC) // scripts had a part in it
        quarantine_note(d, hook, attempt, &flight->event->id);
    attempt->outcome = decision.outcome;
    failing_note(d, hook, decision.outcome);
    if (decision.hold_webhook_ms > 0) // until the very millisecond at which the delivery is due
        hook_hold(d, hook, HOLD_RETRY_AFTER,
                  decision.state == DELIVERY_PENDING ? decision.due_ms
                                                     : clock_wall_ms() + decision.hold_webhook_ms);
    if (decision.disable != WEBHOOK_ENABLED)
        run_disable(d, hook, decision.disable);
    if (decision.state == DELIVERY_PENDING)
        (void)failpoint_hit(FAILPOINT_DISPATCH_RETRY);
    struct settle_how how = {.state = decision.state,
                             .outcome = decision.outcome,
                             .due_ms = decision.due_ms,
                             .reason = decision.reason};
    settle(d, delivery, attempt, &how);
    flight_free(flight);
    hook_update(d, hook);
}

// ---- tests -------------------------------------------------------------------------------------

void dispatch_test(struct dispatch *d, struct webhook *webhook, struct event **event,
                   void (*on_done)(void *context, struct attempt *attempt), void *context)
{
    struct hook *hook = hook_find(d, webhook->number);
    CHECK(hook != NULL);
    struct flight *flight = flight_new(d, hook, *event, 0);
    event_unref(*event);
    *event = NULL;
    flight->on_test = on_done;
    flight->test_context = context;
    flight->attempt->number = 1;
    flight->attempt->is_test = true;
    launch(d, flight);
}
