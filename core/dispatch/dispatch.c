// SPDX-License-Identifier: MIT
// The dispatcher's life: start, the turn of the loop, time, drain, stop; main only.
#include "dispatch/dispatch.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/failing.h"
#include "dispatch/quarantine.h"
#include "dispatch/replay.h"

#define OWED_AT_ONCE 256
#define AGAIN_MS     1000        // how often what the store refused is tried again
#define LOOK_MS      (10 * 1000) // wall time may have moved beside monotonic time

static void on_prepare(uv_prepare_t *handle);
static void on_tick(void *context);

// ---- start -------------------------------------------------------------------------------------

static void on_stored_webhook(void *context, const struct object *object)
{
    struct dispatch *d = context;
    struct webhook_rules rules = {.is_stored = true};
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    if (webhook_parse(&webhook, object->body, &rules, &problems) == OK) {
        webhook->number = object->number;
        webhook->revision = object->revision;
        struct hook *hook = hook_new(d, webhook);
        rate_empty(&hook->rate, clock_mono_ns()); // what went before the restart is not known
        webhook_unref(webhook);
    } else {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "stored webhook %.*s cannot be read: %.*s: %.*s",
                 SPAN_ARGS(object->key), SPAN_ARGS(problems.list[0].field),
                 SPAN_ARGS(problems.list[0].message));
    }
    problems_deinit(&problems);
}

// What was accepted before a crash and has no row goes on from memory, or gets a row when there is
// too much of it.
static enum err take_up_owed(struct dispatch *d)
{
    struct claimed rows[OWED_AT_ONCE];
    size_t count;
    size_t all = 0;
    do {
        enum err err = store_owed(d->env.store, OWED_AT_ONCE, rows, &count);
        if (err != OK)
            return err;
        for (size_t i = 0; i < count; i++) {
            struct hook *hook = hook_find(d, rows[i].webhook);
            if (hook == NULL) {
                settle_orphan(d, &rows[i]);
                event_unref(rows[i].event);
                continue;
            }
            hook->places++;
            hook->tenant->places++;
            run_add(d, hook, &rows[i]);
            if (!hook->webhook->is_active)
                webhooks_cancel(d, hook);
            else if (hook->places > hook_room(hook) || hook_is_held(hook, clock_wall_ms()))
                hook_give_back(d, hook, "waits in the store");
            hook_update(d, hook);
        }
        all += count;
    } while (count > 0);
    if (all > 0)
        log_line(LOG_INFO, LOG_DISPATCH_AREA, "%zu deliveries were owed and go on", all);
    return OK;
}

static void take_up_due(struct dispatch *d, const struct journal_start *start)
{
    for (size_t i = 0; i < start->due_count; i++) {
        struct hook *hook = hook_find(d, start->due[i].webhook);
        if (hook != NULL) {
            hook_count_rows(hook, (int64_t)start->due[i].rows);
            hook_add_row(d, hook, start->due[i].due_ms);
        }
        if (hook == NULL || !hook->webhook->is_active)
            webhooks_cancel_rows(d, start->due[i].webhook);
    }
}

static void init(struct dispatch *d)
{
    strmap_init(&d->tenants);
    strmap_init(&d->hooks_by_uuid);
    map_init(&d->hooks);
    map_init(&d->deliveries);
    heap_init(&d->wakes);
    heap_init(&d->tokens);
    list_init(&d->turns);
    list_init(&d->young);
    list_init(&d->unsettled);
    list_init(&d->quarantined);
    list_init(&d->unsaved);
    list_init(&d->saving);
    tenant_new(d, SPAN("default"));
}

enum err dispatch_start(struct dispatch **out, const struct dispatch_env *env,
                        struct journal_start *start, struct errmsg *message)
{
    struct dispatch *d = xcalloc(1, sizeof *d);
    d->magic = DISPATCH_MAGIC;
    d->env = *env;
    d->next_seq = start->next_seq;
    init(d);
    CHECK(uv_prepare_init(env->loop, &d->prepare) == 0);
    alarm_start(&d->tick, env->loop, on_tick, d);
    d->prepare.data = d;
    replay_start(d);
    d->open_handles = 4;
    CHECK(uv_prepare_start(&d->prepare, on_prepare) == 0);
    enum err err = store_load(env->store, OBJECT_TENANT, tenant_on_stored, d);
    if (err == OK)
        err = store_load(env->store, OBJECT_WEBHOOK, on_stored_webhook, d);
    if (err == OK)
        err = store_load(env->store, OBJECT_QUARANTINE, quarantine_on_stored, d);
    if (err == OK)
        err = store_load(env->store, OBJECT_FAILING, failing_on_stored, d);
    if (err == OK)
        err = store_load(env->store, OBJECT_REPLAY, replay_on_stored, d);
    if (err == OK)
        err = take_up_owed(d);
    if (err != OK) {
        errmsg_set(message, "the store cannot be read: %s", err_text(err));
        return err; // the process ends: what was taken up is in the store
    }
    take_up_due(d, start);
    retention_start(d);
    dispatch_reconfigure(d, env->config);
    *out = d;
    return OK;
}

void dispatch_set_sender(struct dispatch *d, struct sender *sender)
{
    d->sender = sender;
}

void dispatch_forget_script(struct dispatch *d)
{
    d->env.script = NULL;
}

const struct hook_env *dispatch_tenant_env(const struct dispatch *d, struct span name)
{
    const struct tenant *tenant = tenant_find(d, name);
    return tenant != NULL ? &tenant->env : NULL;
}

void dispatch_reconfigure(struct dispatch *d, const struct config *config)
{
    size_t at = 0;
    struct span name;
    void *value;
    d->env.config = config;
    while (strmap_next(&d->tenants, &at, &name, &value)) {
        struct tenant *tenant = value;
        tenant->env = (struct hook_env){0};
        for (size_t i = 0; i < config->hook_env_count; i++) {
            const struct config_env *row = &config->hook_env[i];
            if (!span_eq(row->tenant, name))
                continue;
            // struct config_pair and struct header are the same two spans.
            tenant->env.values = (const struct header *)(const void *)row->values;
            tenant->env.count = row->value_count;
        }
    }
}

bool dispatch_may_write(struct dispatch *d, struct span name, uint32_t uid,
                        struct wire_reply *reply)
{
    const struct config *config = d->env.config;
    bool is_open = strcmp(config->tenants, "open") == 0;
    bool is_allowed = config->ingest_uids == NULL || uid == UINT32_MAX;
    for (size_t i = 0; !is_allowed && i < config->ingest_uid_count; i++) {
        const struct config_uid *row = &config->ingest_uids[i];
        if (row->uid != uid)
            continue;
        is_allowed = row->is_any_tenant;
        for (size_t k = 0; k < row->tenant_count; k++)
            is_allowed = is_allowed || span_eq(row->tenants[k], name);
    }
    if (!is_allowed) {
        reply->code = WIRE_NOT_ALLOWED;
        snprintf(reply->message, sizeof reply->message,
                 "user %u may not write for tenant \"%.*s\" (option ingest_uids)", uid,
                 SPAN_ARGS(name));
        return false;
    }
    if (!is_open && !dispatch_tenant_exists(d, name)) {
        reply->code = WIRE_UNKNOWN_TENANT;
        snprintf(reply->message, sizeof reply->message,
                 "no tenant \"%.*s\"; add it with: grapnel tenants add %.*s", SPAN_ARGS(name),
                 SPAN_ARGS(name));
        return false;
    }
    return true;
}

// ---- the turn of the loop ----------------------------------------------------------------------

static void finish_drain(struct dispatch *d)
{
    void (*on_drained)(void *context) = d->on_drained;
    bool is_done = d->running == 0 && d->settling == 0 && d->appending == 0;
    if (on_drained == NULL || (!is_done && clock_mono_ms() < d->drain_until_mono_ms))
        return;
    d->on_drained = NULL;
    on_drained(d->drained_context);
}

// Just before the loop waits: whatever callbacks made possible happens here, in batches.
static void on_prepare(uv_prepare_t *handle)
{
    struct dispatch *d = handle->data;
    quarantine_look(d);
    hook_wake_tokens(d);
    run_pump(d);
    if (d->sender != NULL)
        sender_flush(d->sender);
    if (d->env.script != NULL)
        script_flush(d->env.script);
    if (d->is_draining)
        finish_drain(d);
}

static void on_tick(void *context)
{
    struct dispatch *d = NULL;
    CAST(d, context, DISPATCH_MAGIC);
    hook_wake_due(d);
    hook_wake_tokens(d);
    settle_young(d);
    if (!list_is_empty(&d->unsettled))
        settle_again(d);
    if (!list_is_empty(&d->unsaved))
        keep_save_again(d);
    if (d->is_draining)
        finish_drain(d);
    dispatch_arm(d);
}

// `left` from now, or `wait` when that is earlier; -1: never.
static int64_t sooner(int64_t wait, int64_t left)
{
    if (left < 0)
        left = 0;
    return wait < 0 || left < wait ? left : wait;
}

// Milliseconds until something has to be looked at; -1: never.
static int64_t next_wait(const struct dispatch *d)
{
    int64_t wait = -1;
    const struct heap_node *wake = heap_min(&d->wakes);
    const struct heap_node *token = heap_min(&d->tokens);
    if (wake != NULL)
        wait = sooner(wait, wake->key - clock_wall_ms());
    if (token != NULL)
        wait = sooner(wait, token->key - clock_mono_ms());
    if (!list_is_empty(&d->young)) {
        struct delivery *oldest = CONTAINER_OF(list_first(&d->young), struct delivery, age_node);
        wait = sooner(wait, oldest->committed_mono_ms + YOUNG_MS + 1 - clock_mono_ms());
    }
    bool is_waiting =
        !list_is_empty(&d->unsettled) || !list_is_empty(&d->unsaved) || d->is_draining;
    if (is_waiting && (wait < 0 || wait > AGAIN_MS))
        wait = d->is_draining ? 50 : AGAIN_MS;
    return wait < LOOK_MS ? wait : LOOK_MS;
}

void dispatch_arm(struct dispatch *d)
{
    int64_t wait = next_wait(d);
    if (wait < 0) {
        alarm_clear(&d->tick);
        return;
    }
    // Never later than it is set already; a wake-up that finds nothing is cheap.
    if (!alarm_is_set(&d->tick) || alarm_due_in_ms(&d->tick) > wait)
        alarm_set(&d->tick, wait);
}

// ---- drain and stop ----------------------------------------------------------------------------

void dispatch_drain(struct dispatch *d, int64_t timeout_ms, void (*on_drained)(void *context),
                    void *context)
{
    (void)failpoint_hit(FAILPOINT_MAIN_DRAIN);
    d->is_draining = true;
    d->drain_until_mono_ms = clock_mono_ms() + timeout_ms;
    d->on_drained = on_drained;
    d->drained_context = context;
    size_t at = 0;
    uint64_t number;
    void *value;
    while (map_next(&d->hooks, &at, &number, &value)) {
        struct hook *hook = value;
        hook_give_back(d, hook, "the engine is stopping");
        heap_remove(&d->wakes, &hook->wake);
    }
    replay_drain(d);
    dispatch_arm(d);
}

static void free_all(struct dispatch *d)
{
    size_t at = 0;
    uint64_t number;
    struct span name;
    void *value;
    while (map_next(&d->deliveries, &at, &number, &value)) {
        struct delivery *delivery = value;
        list_remove(&delivery->node);
        event_unref(delivery->event);
        xfree(delivery);
    }
    at = 0;
    while (map_next(&d->hooks, &at, &number, &value)) {
        struct hook *hook = value;
        webhook_unref(hook->webhook);
        quarantine_free(hook->quarantine);
        failing_free(hook->failing);
        replay_free(hook->replay);
        xfree(hook);
    }
    at = 0;
    while (strmap_next(&d->tenants, &at, &name, &value))
        tenant_free(value);
    strmap_deinit(&d->tenants);
    strmap_deinit(&d->hooks_by_uuid);
    map_deinit(&d->hooks);
    map_deinit(&d->deliveries);
    heap_deinit(&d->wakes);
    heap_deinit(&d->tokens);
}

static void on_handle_stopped(void *handled)
{
    struct dispatch *d = NULL;
    CAST(d, handled, DISPATCH_MAGIC);
    if (--d->open_handles > 0)
        return;
    void (*on_stopped)(void *context) = d->on_stopped;
    void *context = d->stopped_context;
    free_all(d);
    d->magic = 0;
    xfree(d);
    if (on_stopped != NULL)
        on_stopped(context);
}

static void on_closed(uv_handle_t *handle)
{
    on_handle_stopped(handle->data);
}

void dispatch_stop(struct dispatch *d, void (*on_stopped)(void *context), void *context)
{
    d->on_stopped = on_stopped;
    d->stopped_context = context;
    uv_close((uv_handle_t *)&d->prepare, on_closed);
    alarm_stop(&d->tick, on_handle_stopped);
    alarm_stop(&d->retention, on_handle_stopped);
    replay_stop(d, on_handle_stopped);
}
