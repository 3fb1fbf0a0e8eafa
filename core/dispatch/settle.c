// SPDX-License-Identifier: MIT
// Writing outcomes down: settlements to the store and back, the 5 s rule; main only.
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/engine_event.h"

#define MAX_RECORD (256 * 1024)

// A settlement on its way. It outlives the attempt: the record is its own.
struct settling {
    struct store_settle op;
    struct dispatch *dispatch;
    struct delivery *delivery; // borrowed: is_settling keeps it
    struct buf record;
};

static void on_settled(struct store_op *op);

static void submit(struct dispatch *d, struct settling *s)
{
    struct settlement *settlement = &s->op.settlement;
    store_op_init(&s->op.op, STORE_SETTLE, on_settled, d);
    settlement->has_row = s->delivery->has_row;
    store_submit(d->env.store, &s->op.op);
}

// Its outcome is known, the next one may have its place. What waits to be written is bounded by
// max_unsettled: were it counted here too, a webhook at full speed would spill into rows.
static void free_place(struct dispatch *d, const struct delivery *delivery)
{
    struct hook *hook = hook_find(d, delivery->webhook);
    CHECK(hook != NULL && hook->places > 0);
    hook->places--;
    hook->tenant->places--;
}

void settle(struct dispatch *d, struct delivery *delivery, const struct attempt *attempt,
            const struct settle_how *how)
{
    struct settling *s = xcalloc(1, sizeof *s);
    CHECK(!delivery->is_settling || how->is_held);
    s->dispatch = d;
    s->delivery = delivery;
    buf_init(&s->record, MAX_RECORD);
    if (attempt != NULL)
        attempt_pack(attempt, &s->record);
    s->op.settlement = (struct settlement){
        .delivery = delivery->id,
        .webhook = delivery->webhook,
        .state = how->state,
        .outcome = how->outcome,
        .is_unclaim =
            how->state == DELIVERY_PENDING && delivery->has_row && attempt == NULL && !how->is_held,
        .is_held = how->is_held,
        .is_replay = delivery->is_replay,
        .due_ms = how->due_ms,
        .at_ms = clock_wall_ms(),
        .attempts = delivery->attempts,
        .kills = delivery->kills,
        .reason = span_of(how->reason),
        .attempt = buf_span(&s->record),
    };
    if (!how->is_held) {
        delivery_move(delivery, how->state, how->reason);
        delivery->is_settling = true;
        free_place(d, delivery);
    }
    d->settling++;
    submit(d, s);
    // What is settled after this one finds the row. (Settlements are done in order.)
    if (how->is_held)
        delivery->has_row = true;
    if (how->state == DELIVERY_DEAD)
        engine_event_dead(d, hook_find(d, delivery->webhook), delivery, how);
}

static void store_is_back(struct dispatch *d)
{
    if (!d->is_store_down)
        return;
    d->is_store_down = false;
    log_line(LOG_INFO, LOG_DISPATCH_AREA, "the store takes outcomes again");
}

static void on_settled(struct store_op *op)
{
    struct settling *s = (struct settling *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct delivery *delivery = s->delivery;
    const struct settlement *settlement = &s->op.settlement;
    if (op->err != OK && settlement->is_held) {
        // Only a precaution was lost: its outcome decides, or the next round tries again.
        d->settling--;
        delivery->has_row = false;
        list_append(&d->young, &delivery->age_node);
        buf_deinit(&s->record);
        xfree(s);
        return;
    }
    if (op->err != OK) {
        // Kept, and written when the store takes it: history that cannot be written never causes a
        // second POST.
        if (!d->is_store_down)
            log_line(LOG_ERROR, LOG_DISPATCH_AREA, "outcomes cannot be written: %s",
                     err_text(op->err));
        d->is_store_down = true;
        list_append(&d->unsettled, &op->node);
        dispatch_arm(d);
        return;
    }
    store_is_back(d);
    d->settling--;
    struct hook *hook = hook_find(d, delivery->webhook);
    bool is_pending = settlement->state == DELIVERY_PENDING;
    if (is_pending && !settlement->has_row)
        hook_count_rows(hook, 1);
    if (settlement->is_held)
        hook->rows_here++;
    if (!is_pending && settlement->has_row)
        hook_count_rows(hook, -1);
    if (!settlement->is_held) {
        if (is_pending)
            hook_add_row(d, hook, settlement->due_ms);
        run_forget(d, delivery);
    }
    buf_deinit(&s->record);
    xfree(s);
}

static void on_orphan(struct store_op *op)
{
    struct dispatch *d = op->context;
    d->settling--;
    xfree(op); // a failure leaves it owed: the next start finds it again
}

void settle_orphan(struct dispatch *d, const struct claimed *owed)
{
    struct store_settle *op = xcalloc(1, sizeof *op);
    op->settlement = (struct settlement){.delivery = owed->delivery,
                                         .webhook = owed->webhook,
                                         .state = DELIVERY_CANCELLED,
                                         .outcome = OUTCOME_CANCELLED,
                                         .at_ms = clock_wall_ms(),
                                         .attempts = owed->attempts,
                                         .reason = SPAN("its webhook was deleted")};
    store_op_init(&op->op, STORE_SETTLE, on_orphan, d);
    d->settling++;
    store_submit(d->env.store, &op->op);
}

void settle_again(struct dispatch *d)
{
    struct list again;
    struct list_node *node;
    list_init(&again);
    list_splice(&again, &d->unsettled);
    while ((node = list_pop(&again)) != NULL)
        submit(d, CONTAINER_OF(node, struct settling, op.op.node));
}

// Whatever has no row 5 s after its commit gets one, also while it is being sent: so the low-water
// mark is never older than that, and memory stays flat however long the backlog.
void settle_young(struct dispatch *d)
{
    int64_t limit = clock_mono_ms() - YOUNG_MS;
    struct list_node *node;
    while ((node = list_first(&d->young)) != NULL) {
        struct delivery *delivery = CONTAINER_OF(node, struct delivery, age_node);
        if (delivery->committed_mono_ms > limit)
            return;
        list_remove(node);
        if (delivery->is_settling)
            continue;
        bool is_running = delivery->state == DELIVERY_RUNNING;
        struct settle_how how = {.state = DELIVERY_PENDING,
                                 .due_ms = clock_wall_ms(),
                                 .is_held = is_running,
                                 .reason = is_running ? "is being sent" : "waits in the store"};
        struct hook *hook = hook_find(d, delivery->webhook);
        if (!is_running)
            hook->ready_count--;
        settle(d, delivery, NULL, &how);
        hook_update(d, hook); // nothing may be left for its turn
    }
}
