// SPDX-License-Identifier: MIT
// Webhooks and tenants as the store keeps them: saved, replaced, removed; main only.
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/failing.h"
#include "dispatch/quarantine.h"
#include "dispatch/replay.h"

#define CANCEL_AT_ONCE 1000

// A revision on its way to the store. The texts live in `body` and in the webhook.
struct saving {
    struct store_object op;
    struct list_node node; // in dispatch->saving
    struct dispatch *dispatch;
    struct webhook *webhook; // the new revision, or the one to be removed; one reference
    char key[UID_TEXT_LEN + 1];
    char *by, *action; // owned
    struct buf body;
    dispatch_saved_fn *on_saved;
    void *context;
};

struct webhook *dispatch_webhook(const struct dispatch *d, const struct uid *uuid)
{
    struct hook *hook = hook_by_uuid(d, uuid);
    return hook == NULL || hook->is_removed ? NULL : hook->webhook;
}

struct webhook *dispatch_webhook_by_number(const struct dispatch *d, uint32_t number)
{
    struct hook *hook = hook_find(d, number);
    return hook == NULL ? NULL : hook->webhook;
}

struct webhook *dispatch_webhook_next(const struct dispatch *d, uint32_t after)
{
    for (uint32_t n = after + 1; n <= d->highest_number; n++) {
        struct hook *hook = hook_find(d, n);
        if (hook != NULL && !hook->is_removed)
            return hook->webhook;
    }
    return NULL;
}

struct webhook *dispatch_webhook_previous(const struct dispatch *d, uint32_t before)
{
    uint32_t n = before > d->highest_number ? d->highest_number + 1 : before;
    while (n-- > 1) {
        struct hook *hook = hook_find(d, n);
        if (hook != NULL && !hook->is_removed)
            return hook->webhook;
    }
    return NULL;
}

void dispatch_each_webhook(void *context, script_webhook_fn *take, void *taker)
{
    struct dispatch *d = context;
    struct webhook *webhook = NULL;
    uint32_t number = 0;
    while ((webhook = dispatch_webhook_next(d, number)) != NULL) {
        number = webhook->number;
        take(taker, webhook);
    }
    LIST_FOREACH(node, &d->saving)
        take(taker, CONTAINER_OF(node, struct saving, node)->webhook);
}

static struct saving *saving_new(struct dispatch *d, struct webhook *webhook, struct span by,
                                 const char *action)
{
    struct saving *s = xcalloc(1, sizeof *s);
    s->dispatch = d;
    list_append(&d->saving, &s->node);
    s->webhook = webhook_ref(webhook);
    s->by = xmemdup0(by.at ? by.at : "", by.len);
    s->action = xstrdup(action);
    uid_print(&webhook->uuid, s->key);
    buf_init(&s->body, WEBHOOK_MAX_JSON * 8);
    struct json_writer w;
    json_write_init(&w, &s->body);
    webhook_print(webhook, WEBHOOK_FOR_STORE, &w);
    s->op.object = (struct object){.kind = OBJECT_WEBHOOK,
                                   .number = webhook->number,
                                   .revision = webhook->revision,
                                   .key = span_of(s->key),
                                   .body = buf_span(&s->body),
                                   .by = span_of(s->by),
                                   .action = span_of(s->action),
                                   .at_ms = clock_wall_ms()};
    return s;
}

static void saving_free(struct saving *s)
{
    if (s->body.at != NULL)
        mem_wipe(s->body.at, s->body.len);
    list_remove(&s->node);
    buf_deinit(&s->body);
    webhook_unref(s->webhook);
    xfree(s->by);
    xfree(s->action);
    xfree(s);
}

static void on_put(struct store_op *op)
{
    struct saving *s = (struct saving *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct webhook *webhook = s->webhook;
    struct hook *hook = hook_by_uuid(d, &webhook->uuid);
    if (hook != NULL)
        hook->is_saving = false;
    if (op->err == OK) {
        bool was_active = hook != NULL && hook->webhook->is_active;
        webhook->number = s->op.object.number;
        webhook->revision = s->op.object.revision;
        if (hook == NULL) {
            hook = hook_new(d, webhook);
        } else {
            if (d->env.script != NULL)
                script_forget(d->env.script, hook->webhook);
            hook_replace(d, hook, webhook);
        }
        if (was_active && !webhook->is_active)
            webhooks_cancel(d, hook);
    }
    s->on_saved(s->context, op->err, op->err == OK ? webhook : NULL);
    saving_free(s);
}

// NOLINTNEXTLINE(readability-function-size): the last two are one callback
void dispatch_webhook_put(struct dispatch *d, struct webhook *fresh, uint32_t expected,
                          struct span by, const char *action, dispatch_saved_fn *on_saved,
                          void *context)
{
    struct hook *hook = hook_by_uuid(d, &fresh->uuid);
    int64_t now = clock_wall_ms();
    if (hook != NULL && (hook->is_saving || hook->is_removed ||
                         (expected != 0 && expected != hook->webhook->revision))) {
        on_saved(context, ERR_CONFLICT, NULL);
        return;
    }
    fresh->number = hook != NULL ? hook->number : 0;
    fresh->revision = hook != NULL ? hook->webhook->revision : 0;
    fresh->created_ms = hook != NULL ? hook->webhook->created_ms : now;
    fresh->updated_ms = now;
    if (hook != NULL)
        hook->is_saving = true;
    struct saving *s = saving_new(d, fresh, by, action);
    s->on_saved = on_saved;
    s->context = context;
    store_op_init(&s->op.op, STORE_PUT, on_put, d);
    store_submit(d->env.store, &s->op.op);
}

// ---- removing ----------------------------------------------------------------------------------

static void on_removed(struct store_op *op)
{
    struct saving *s = (struct saving *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct hook *hook = hook_find(d, s->webhook->number);
    hook->is_saving = false;
    if (op->err == OK) {
        struct span uuid = span_make(hook->webhook->uuid.bytes, sizeof hook->webhook->uuid.bytes);
        if (d->env.script != NULL)
            script_forget(d->env.script, hook->webhook);
        hook->is_removed = true;
        hook->tenant->hooks--;
        quarantine_release(d, hook, span_of(s->by), "its webhook was deleted");
        failing_end(d, hook);
        replay_on_edit(d, hook);
        match_remove(&hook->tenant->match, hook->webhook);
        strmap_remove(&d->hooks_by_uuid, uuid);
        webhooks_cancel(d, hook);
    }
    s->on_saved(s->context, op->err, NULL);
    saving_free(s);
}

void dispatch_webhook_remove(struct dispatch *d, struct webhook *webhook, struct span by,
                             dispatch_saved_fn *on_saved, void *context)
{
    struct hook *hook = hook_by_uuid(d, &webhook->uuid);
    if (hook == NULL || hook->is_removed || hook->is_saving) {
        on_saved(context, hook == NULL ? ERR_NOT_FOUND : ERR_CONFLICT, NULL);
        return;
    }
    hook->is_saving = true;
    struct saving *s = saving_new(d, hook->webhook, by, "delete");
    s->on_saved = on_saved;
    s->context = context;
    store_op_init(&s->op.op, STORE_REMOVE, on_removed, d);
    store_submit(d->env.store, &s->op.op);
}

// ---- what an inactive or removed webhook still had waiting -------------------------------------

static bool is_serving(const struct hook *hook)
{
    return hook != NULL && !hook->is_removed && hook->webhook->is_active;
}

static void on_cancelled(struct store_op *op)
{
    struct store_cancel *cancel = (struct store_cancel *)(void *)op;
    struct dispatch *d = op->context;
    struct hook *hook = hook_find(d, cancel->webhook);
    bool is_more = op->err == OK && cancel->count == cancel->max;
    d->stats.deliveries[OUTCOME_CANCELLED] += cancel->count;
    if (hook != NULL) {
        hook->is_cancelling = false;
        hook_count_rows(hook, -(int64_t)cancel->count);
    }
    if (is_more && !is_serving(hook))
        webhooks_cancel_rows(d, cancel->webhook);
    xfree(cancel);
}

void webhooks_cancel_rows(struct dispatch *d, uint32_t number)
{
    struct hook *hook = hook_find(d, number);
    if (hook != NULL && hook->is_cancelling)
        return;
    if (hook != NULL)
        hook->is_cancelling = true;
    struct store_cancel *cancel = xcalloc(1, sizeof *cancel);
    store_op_init(&cancel->op, STORE_CANCEL, on_cancelled, d);
    cancel->webhook = number;
    cancel->now_ms = clock_wall_ms();
    cancel->max = CANCEL_AT_ONCE;
    store_submit(d->env.store, &cancel->op);
}

void webhooks_cancel(struct dispatch *d, struct hook *hook)
{
    LIST_FOREACH_SAFE(node, &hook->ready) {
        struct delivery *delivery = CONTAINER_OF(node, struct delivery, node);
        struct settle_how how = {.state = DELIVERY_CANCELLED,
                                 .outcome = OUTCOME_CANCELLED,
                                 .reason = hook->is_removed ? "its webhook was deleted"
                                                            : "its webhook was deactivated"};
        hook->ready_count--;
        d->stats.deliveries[OUTCOME_CANCELLED]++;
        settle(d, delivery, NULL, &how);
    }
    hook_update(d, hook);
    webhooks_cancel_rows(d, hook->number);
}

// ---- manual retry ------------------------------------------------------------------------------

struct retrying {
    struct store_retry op;
    struct redo redo;
    void (*on_done)(void *context, enum err err);
    void *context;
};

void webhooks_add_redone(struct dispatch *d, const struct redo *redo, int64_t now_ms)
{
    struct hook *hook = redo->err == OK ? hook_find(d, redo->webhook) : NULL;
    if (hook == NULL)
        return;
    hook_count_rows(hook, !redo->was_waiting);
    hook_add_row(d, hook, now_ms);
}

static void on_retried(struct store_op *op)
{
    struct retrying *r = (struct retrying *)(void *)op;
    enum err err = op->err != OK ? op->err : r->redo.err;
    if (err == OK)
        webhooks_add_redone(op->context, &r->redo, r->op.now_ms);
    r->on_done(r->context, err);
    xfree(r);
}

void dispatch_retry(struct dispatch *d, uint64_t delivery, uint32_t webhook,
                    void (*on_done)(void *context, enum err err), void *context)
{
    if (webhook == 0 && map_get(&d->deliveries, delivery) != NULL) {
        on_done(context, ERR_CONFLICT);
        return;
    }
    struct retrying *r = xcalloc(1, sizeof *r);
    store_op_init(&r->op.op, STORE_RETRY, on_retried, d);
    r->redo.delivery = delivery;
    r->redo.webhook = webhook;
    r->op.list = &r->redo;
    r->op.count = 1;
    r->op.now_ms = clock_wall_ms();
    r->on_done = on_done;
    r->context = context;
    store_submit(d->env.store, &r->op.op);
}
