// SPDX-License-Identifier: MIT
// Retention: what is older than its time goes, in slices that never hold up a delivery; main only.
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/state.h"

#define LOOK_MS      (60 * 1000)
#define SLICE_EVENTS 256
#define PAUSE_MS     20 // between slices, so that commits of deliveries go first

static void on_pruned(struct store_op *op)
{
    struct store_prune *prune = (struct store_prune *)(void *)op;
    struct dispatch *d = op->context;
    bool is_more = op->err == OK && prune->count > 0;
    d->is_pruning = false;
    if (op->err != OK)
        log_line(LOG_WARN, LOG_DISPATCH_AREA, "old events cannot be pruned: %s", err_text(op->err));
    if (!d->is_draining)
        alarm_set(&d->retention, is_more ? PAUSE_MS : LOOK_MS);
    xfree(prune);
}

static void on_retention(void *context)
{
    struct dispatch *d = NULL;
    CAST(d, context, DISPATCH_MAGIC);
    int64_t now = clock_wall_ms();
    if (d->is_pruning || d->is_draining)
        return;
    struct store_prune *prune = xcalloc(1, sizeof *prune);
    store_op_init(&prune->op, STORE_PRUNE, on_pruned, d);
    prune->events_before_ms = now - d->env.config->retention_events;
    prune->dead_before_ms = now - d->env.config->retention_dead;
    prune->max = SLICE_EVENTS;
    d->is_pruning = true;
    store_submit(d->env.store, &prune->op);
}

void retention_start(struct dispatch *d)
{
    alarm_start(&d->retention, d->env.loop, on_retention, d);
    // Not in the first moments: what is owed goes first.
    alarm_set(&d->retention, LOOK_MS);
}
