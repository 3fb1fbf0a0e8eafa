// SPDX-License-Identifier: MIT
// An event comes in: matched, given its number, stored, answered; main only.
//
// In firing order: dispatch_accept → on_appended.
#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/eventid.h"
#include "dispatch/state.h"

// An event on its way to the store.
struct accepting {
    struct store_append op;
    struct dispatch *dispatch;
    struct event *event; // one reference
    int64_t *due_ms;     // owned; NULL: all stay in memory
    dispatch_answer_fn *answer;
    void *token;
};

static void on_appended(struct store_op *op);

static void refuse(dispatch_answer_fn *answer, void *token, enum wire_code code,
                   const char *message)
{
    struct wire_reply reply = {.code = code};
    snprintf(reply.message, sizeof reply.message, "%s", message);
    answer(token, &reply);
}

// ---- matching ----------------------------------------------------------------------------------

struct matching {
    struct webhook **active, **missed; // owned
    uint32_t active_count, active_capacity, missed_count, missed_capacity;
};

static void add(struct webhook ***list, uint32_t *count, uint32_t *capacity,
                struct webhook *webhook)
{
    if (*count == DELIVERY_MAX_WEBHOOKS)
        return; // more webhooks than an event can reach; refused when they are saved
    if (*count == *capacity) {
        *capacity = *capacity == 0 ? 8 : *capacity * 2;
        *list = xrealloc(*list, *capacity * sizeof **list);
    }
    (*list)[(*count)++] = webhook;
}

static void on_match(void *context, struct webhook *webhook)
{
    struct matching *m = context;
    if (webhook->is_active)
        add(&m->active, &m->active_count, &m->active_capacity, webhook);
    else
        add(&m->missed, &m->missed_count, &m->missed_capacity, webhook);
}

static uint32_t *numbers_of(struct webhook **webhooks, uint32_t count)
{
    uint32_t *numbers = count > 0 ? xcalloc(count, sizeof *numbers) : NULL;
    for (uint32_t i = 0; i < count; i++)
        numbers[i] = webhooks[i]->number;
    return numbers;
}

// False: the one webhook that it names does not exist.
static bool match(struct dispatch *d, struct event *event)
{
    struct matching m = {0};
    struct tenant *tenant = tenant_find(d, event->tenant);
    if (event->has_webhook) {
        struct hook *hook = hook_by_uuid(d, &event->webhook);
        if (hook == NULL || !span_eq(hook->webhook->tenant, event->tenant))
            return false;
        on_match(&m, hook->webhook);
    } else if (tenant != NULL) {
        match_event(&tenant->match, event->name, on_match, &m);
    }
    event_set_webhooks(event, numbers_of(m.active, m.active_count), m.active_count,
                       numbers_of(m.missed, m.missed_count), m.missed_count);
    xfree(m.active);
    xfree(m.missed);
    return true;
}

// ---- memory or row? ----------------------------------------------------------------------------

// A delivery is kept in memory only while its webhook is not held, has no older due rows, a token of
// its rate limit within a second, and room, and its tenant and the engine have room. (delivery.md,
// Fairness)
static bool may_stay(struct dispatch *d, struct hook *hook, const struct event *event, int64_t now)
{
    uint32_t most = (uint32_t)d->env.config->memory_deliveries;
    if (event->deliver_at_ms > now || hook_is_held(hook, now) || breaker_is_open(&hook->breaker))
        return false;
    if (hook_is_behind(hook, now) || hook->places >= hook_room(hook) || !hook_has_token_soon(hook))
        return false;
    if (d->places_bytes + event_size(event) > (uint64_t)d->env.config->memory_bytes)
        return false;
    uint32_t share = d->tenants.count > 1 ? most / 4 : most;
    return d->deliveries.count < most && hook->tenant->places < share;
}

static void place(struct dispatch *d, struct accepting *a, int64_t now)
{
    struct event *event = a->event;
    for (uint32_t i = 0; i < event->webhook_count; i++) {
        struct hook *hook = hook_find(d, event->webhooks[i]);
        if (may_stay(d, hook, event, now)) {
            hook->places++; // kept until it is settled, or the commit fails
            hook->tenant->places++;
            if (a->due_ms != NULL)
                a->due_ms[i] = APPEND_IN_MEMORY;
            continue;
        }
        if (a->due_ms == NULL) {
            a->due_ms = xcalloc(event->webhook_count, sizeof *a->due_ms);
            for (uint32_t k = 0; k < i; k++)
                a->due_ms[k] = APPEND_IN_MEMORY;
        }
        a->due_ms[i] = event->deliver_at_ms > now ? event->deliver_at_ms : now;
        hook_count_rows(hook, 1);
        d->stats.spilled += event->deliver_at_ms <= now && !hook_is_held(hook, now);
    }
}

static bool is_in_memory(const struct accepting *a, uint32_t index)
{
    return a->due_ms == NULL || a->due_ms[index] == APPEND_IN_MEMORY;
}

// ---- in ----------------------------------------------------------------------------------------

static void on_answered_already(void *token, const struct wire_reply *reply)
{
    (void)token;
    (void)reply;
}

// Breaks the promise on purpose, for tests/crash alone: they must find it out.
static void answer_too_early(struct accepting *a)
{
    struct wire_reply reply = {
        .code = WIRE_OK, .id = a->event->id, .deliveries = a->event->webhook_count};
    a->answer(a->token, &reply);
    a->answer = on_answered_already;
}

void dispatch_accept(struct dispatch *d, struct event **moved, dispatch_answer_fn *answer,
                     void *token)
{
    if (d->is_draining) {
        refuse(answer, token, WIRE_SHUTTING_DOWN, "the engine is stopping: send again");
        event_unref(*moved);
        *moved = NULL;
        return;
    }
    struct tenant *tenant = tenant_find(d, (*moved)->tenant);
    struct wire_reply reply = {.code = WIRE_OK};
    if (tenant != NULL && !tenant_admits(tenant, &reply)) {
        answer(token, &reply);
        event_unref(*moved);
        *moved = NULL;
        return;
    }
    accept_event(d, moved, answer, token);
}

void accept_event(struct dispatch *d, struct event **moved, dispatch_answer_fn *answer, void *token)
{
    struct event *event = *moved;
    int64_t now = clock_wall_ms();
    *moved = NULL;
    if (!match(d, event)) {
        refuse(answer, token, WIRE_UNKNOWN_WEBHOOK, "no such webhook in this tenant");
        event_unref(event);
        return;
    }
    event->seq = d->next_seq++;
    event->accepted_ms = now;
    if (event->time_ms == 0)
        event->time_ms = now;
    event->id = eventid_make(d->env.id_key, now, event->seq);
    struct accepting *a = xcalloc(1, sizeof *a);
    a->dispatch = d;
    a->event = event;
    a->answer = answer;
    a->token = token;
    place(d, a, now);
    store_op_init(&a->op.op, STORE_APPEND, on_appended, d);
    a->op.append = (struct append){.event = event, .due_ms = a->due_ms};
    d->appending++;
    if (failpoint_hit(FAILPOINT_INGEST_ACK_EARLY))
        answer_too_early(a);
    store_submit(d->env.store, &a->op.op);
}

static void unplace(struct dispatch *d, const struct accepting *a)
{
    for (uint32_t i = 0; i < a->event->webhook_count; i++) {
        struct hook *hook = hook_find(d, a->event->webhooks[i]);
        if (!is_in_memory(a, i)) {
            hook_count_rows(hook, -1);
            continue;
        }
        hook->places--;
        hook->tenant->places--;
        hook_update(d, hook);
    }
}

static void take_up(struct dispatch *d, const struct accepting *a)
{
    for (uint32_t i = 0; i < a->event->webhook_count; i++) {
        struct hook *hook = hook_find(d, a->event->webhooks[i]);
        bool is_serving = hook->webhook->is_active && !hook->is_removed;
        if (!is_in_memory(a, i)) {
            hook_add_row(d, hook, a->due_ms[i]);
            if (!is_serving) // deactivated while the commit was under way
                webhooks_cancel_rows(d, hook->number);
            continue;
        }
        struct claimed from = {.delivery = delivery_id(a->event->seq, i),
                               .webhook = hook->number,
                               .event = event_ref(a->event)};
        run_add(d, hook, &from);
        if (!is_serving)
            webhooks_cancel(d, hook);
        else if (hook_is_held(hook, clock_wall_ms()))
            hook_give_back(d, hook, holds_reason(&hook->holds, clock_wall_ms()));
        hook_update(d, hook);
    }
}

static void on_appended(struct store_op *op)
{
    struct accepting *a = (struct accepting *)(void *)op;
    struct dispatch *d = a->dispatch;
    struct wire_reply reply = {
        .code = WIRE_OK, .id = a->event->id, .deliveries = a->event->webhook_count};
    d->appending--;
    if (op->err != OK) {
        unplace(d, a);
        reply.code = WIRE_STORE_UNAVAILABLE;
        snprintf(reply.message, sizeof reply.message, "nothing was stored (%s): send again",
                 err_text(op->err));
    } else if (a->op.append.verdict == APPEND_STORED) {
        d->stats.events++;
        take_up(d, a);
    } else if (a->op.append.verdict == APPEND_DUPLICATE) {
        unplace(d, a);
        reply.id = a->op.append.first_id;
        reply.deliveries = a->op.append.first_deliveries;
        reply.is_duplicate = true;
    } else {
        unplace(d, a);
        reply.code = WIRE_ID_REUSED;
        reply.id = a->op.append.first_id;
        snprintf(reply.message, sizeof reply.message,
                 "this id came before with other content; use a new id, or send the same content");
    }
    a->answer(a->token, &reply);
    event_unref(a->event);
    xfree(a->due_ms);
    xfree(a);
}
