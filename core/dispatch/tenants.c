// SPDX-License-Identifier: MIT
// Tenants: added, changed, paused, removed, and what they may use; main only.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/state.h"

#define BODY_MAX 4096
#define MS_NS    (1000 * 1000LL)

struct tenant *tenant_find(const struct dispatch *d, struct span name)
{
    return strmap_get(&d->tenants, name);
}

struct tenant *tenant_new(struct dispatch *d, struct span name)
{
    struct tenant *tenant = xcalloc(1, sizeof *tenant);
    tenant->magic = TENANT_MAGIC;
    tenant->name = xmemdup0(name.at, name.len);
    match_init(&tenant->match);
    list_init(&tenant->runnable);
    strmap_set(&d->tenants, name, tenant);
    return tenant;
}

void tenant_free(struct tenant *tenant)
{
    match_deinit(&tenant->match);
    xfree(tenant->name);
    xfree(tenant);
}

// ---- limits ------------------------------------------------------------------------------------

void tenant_update(struct dispatch *d, struct tenant *tenant)
{
    uint32_t most = tenant->limits.max_in_flight;
    bool has_room = most == 0 || tenant->in_flight < most;
    if (list_is_empty(&tenant->runnable) || !has_room)
        list_remove(&tenant->turn);
    else if (!list_is_linked(&tenant->turn))
        list_append(&d->turns, &tenant->turn);
}

bool tenant_admits(struct tenant *tenant, struct wire_reply *reply)
{
    int64_t wait = rate_wait_ns(&tenant->rate, 0, clock_mono_ns());
    uint32_t most = tenant->limits.max_waiting;
    if (wait > 0) {
        reply->code = WIRE_RATE_LIMITED;
        reply->retry_ms = wait / MS_NS + 1;
        snprintf(reply->message, sizeof reply->message,
                 "tenant \"%s\" may send %g events a second: send again in %" PRId64 " ms",
                 tenant->name, tenant->limits.events_per_second, reply->retry_ms);
        return false;
    }
    if (most != 0 && tenant->rows >= most) {
        reply->code = WIRE_QUOTA_EXCEEDED;
        snprintf(reply->message, sizeof reply->message,
                 "tenant \"%s\" has %" PRIu64 " deliveries waiting, and may have %u (max_waiting)",
                 tenant->name, tenant->rows, most);
        return false;
    }
    rate_take(&tenant->rate, clock_mono_ns());
    return true;
}

void tenant_apply_pause(struct dispatch *d, struct hook *hook)
{
    if (hook->tenant->limits.is_paused)
        hook_hold(d, hook, HOLD_TENANT_PAUSED, HOLD_UNTIL_RELEASED);
    else
        hook_release(d, hook, HOLD_TENANT_PAUSED);
}

static void apply(struct dispatch *d, struct tenant *tenant)
{
    const struct tenant_limits *limits = &tenant->limits;
    size_t at = 0;
    uint64_t number;
    void *value;
    rate_set(&tenant->rate, limits->events_per_second, limits->events_burst, clock_mono_ns());
    while (map_next(&d->hooks, &at, &number, &value)) {
        struct hook *hook = value;
        if (hook->tenant == tenant && !hook->is_removed)
            tenant_apply_pause(d, hook);
    }
    tenant_update(d, tenant);
    dispatch_arm(d);
}

// ---- in the store ------------------------------------------------------------------------------

void tenant_on_stored(void *context, const struct object *object)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct tenant *tenant = tenant_find(d, object->key);
    struct problems problems;
    if (tenant == NULL)
        tenant = tenant_new(d, object->key);
    tenant->number = object->number;
    tenant->revision = object->revision;
    problems_init(&problems);
    if (tenant_limits_change(&tenant->limits, object->body, &problems) != OK)
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "stored tenant %.*s cannot be read: %.*s: %.*s",
                 SPAN_ARGS(object->key), SPAN_ARGS(problems.list[0].field),
                 SPAN_ARGS(problems.list[0].message));
    problems_deinit(&problems);
    apply(d, tenant);
}

struct saving {
    struct store_object op;
    struct dispatch *dispatch;
    struct tenant_limits limits;
    struct buf body;
    char *name, *by; // owned
    const char *action;
    dispatch_tenant_fn *on_done;
    void *context;
};

static void saving_free(struct saving *s)
{
    buf_deinit(&s->body);
    xfree(s->name);
    xfree(s->by);
    xfree(s);
}

static void log_saved(const struct saving *s)
{
    struct log_record r;
    log_begin(&r, LOG_INFO, LOG_DISPATCH_AREA, "a tenant was changed");
    log_str(&r, "tenant", s->name);
    log_str(&r, "action", s->action);
    log_str(&r, "by", s->by);
    log_end(&r);
}

static void on_saved(struct store_op *op)
{
    struct saving *s = (struct saving *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct tenant *tenant = tenant_find(d, span_of(s->name));
    if (tenant != NULL)
        tenant->is_saving = false;
    if (op->err == OK) {
        bool is_there = op->kind == STORE_PUT;
        if (tenant == NULL)
            tenant = tenant_new(d, span_of(s->name));
        tenant->number = is_there ? s->op.object.number : 0;
        tenant->revision = is_there ? s->op.object.revision : 0;
        tenant->limits = is_there ? s->limits : (struct tenant_limits){0};
        apply(d, tenant);
        dispatch_reconfigure(d, d->env.config);
        log_saved(s);
    }
    s->on_done(s->context, op->err);
    saving_free(s);
}

static void save(struct dispatch *d, struct span name, const struct dispatch_tenant_change *change)
{
    struct saving *s = xcalloc(1, sizeof *s);
    const struct tenant *tenant = tenant_find(d, name);
    struct json_writer w;
    s->dispatch = d;
    s->name = xmemdup0(name.at, name.len);
    s->by = xmemdup0(change->by.at ? change->by.at : "", change->by.len);
    s->action = change->action;
    s->on_done = change->on_done;
    s->context = change->context;
    buf_init(&s->body, BODY_MAX);
    json_write_init(&w, &s->body);
    json_write_object(&w);
    if (change->limits != NULL)
        s->limits = *change->limits;
    tenant_limits_print(&s->limits, &w);
    json_write_end_object(&w);
    store_op_init(&s->op.op, change->is_removal ? STORE_REMOVE : STORE_PUT, on_saved, d);
    s->op.object = (struct object){.kind = OBJECT_TENANT,
                                   .number = tenant != NULL ? tenant->number : 0,
                                   .revision = tenant != NULL ? tenant->revision : 0,
                                   .key = span_of(s->name),
                                   .body = buf_span(&s->body),
                                   .by = span_of(s->by),
                                   .action = span_of(s->action),
                                   .at_ms = clock_wall_ms()};
    store_submit(d->env.store, &s->op.op);
}

// ---- for others --------------------------------------------------------------------------------

bool dispatch_tenant_exists(const struct dispatch *d, struct span name)
{
    struct tenant *tenant = tenant_find(d, name);
    return tenant != NULL && (tenant->number != 0 || span_is(name, "default"));
}

bool dispatch_tenant(const struct dispatch *d, struct span name, struct dispatch_tenant_view *out)
{
    const struct tenant *tenant = tenant_find(d, name);
    if (!dispatch_tenant_exists(d, name))
        return false;
    *out = (struct dispatch_tenant_view){.name = tenant->name,
                                         .limits = &tenant->limits,
                                         .webhooks = tenant->hooks,
                                         .waiting = tenant->rows,
                                         .in_flight = tenant->in_flight};
    return true;
}

const char *dispatch_tenant_next(const struct dispatch *d, struct span after)
{
    const char *next = NULL;
    size_t at = 0;
    struct span name;
    void *value;
    while (strmap_next(&d->tenants, &at, &name, &value)) {
        struct tenant *tenant = value;
        bool is_known = dispatch_tenant_exists(d, name);
        if (is_known && span_cmp(name, after) > 0 &&
            (next == NULL || span_cmp(name, span_of(next)) < 0))
            next = tenant->name;
    }
    return next;
}

static enum err may_change(const struct dispatch *d, struct span name,
                           const struct dispatch_tenant_change *change)
{
    const struct tenant *tenant = tenant_find(d, name);
    bool is_there = dispatch_tenant_exists(d, name);
    if (!event_name_is_valid(name))
        return ERR_SYNTAX;
    if (change->is_new)
        return is_there ? ERR_EXISTS : OK;
    if (!is_there)
        return ERR_NOT_FOUND;
    if (change->is_removal && span_is(name, "default"))
        return ERR_DENIED;
    if (change->is_removal && tenant->hooks > 0)
        return ERR_FULL;
    return tenant->is_saving ? ERR_CONFLICT : OK;
}

void dispatch_tenant_put(struct dispatch *d, struct span name,
                         const struct dispatch_tenant_change *change)
{
    enum err err = may_change(d, name, change);
    struct tenant *tenant = tenant_find(d, name);
    if (err != OK) {
        change->on_done(change->context, err);
        return;
    }
    if (tenant != NULL)
        tenant->is_saving = true;
    save(d, name, change);
}
