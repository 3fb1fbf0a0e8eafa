// SPDX-License-Identifier: MIT
// Slices of what a replay sends again: read on the reader thread, the rest on main.
#include "dispatch/replay_scan.h"

#include "base/clock.h"
#include "base/mem.h"

#define ALL          (UINT64_MAX >> 1)
#define ARENA_BYTES  ((size_t)64 << 20) // a page of deliveries with their attempts
#define STATES(what) ((what) & ~REPLAY_MISSED)

struct scanning {
    struct store_read op;
    struct replay_scan *scan;
    struct webhook *webhook; // one reference; immutable
    struct arena arena;
    struct query_deliveries deliveries;
    struct query_events events;
    struct replay_found found;
    uint64_t at_delivery, at_event; // after this slice
    replay_found_fn *on_found;
    void *context;
};

void replay_scan_begin(struct replay_scan *scan, const struct replay_order *order, uint64_t end_seq)
{
    *scan = (struct replay_scan){.order = *order, .end_seq = end_seq, .most = REPLAY_SLICE_MAX};
    scan->at_delivery = STATES(order->what) != 0 ? 0 : ALL;
    scan->at_event = (order->what & REPLAY_MISSED) != 0 ? 0 : ALL;
    scan->next_delivery = scan->at_delivery;
    scan->next_event = scan->at_event;
}

void replay_scan_accept(struct replay_scan *scan)
{
    scan->at_delivery = scan->next_delivery;
    scan->at_event = scan->next_event;
    scan->is_over = scan->at_delivery == ALL && scan->at_event == ALL;
}

uint64_t replay_scan_seq(const struct replay_scan *scan)
{
    if (scan->at_delivery != ALL)
        return delivery_seq(scan->at_delivery);
    return scan->at_event != ALL ? scan->at_event : scan->end_seq;
}

// ---- reader thread -----------------------------------------------------------------------------

static struct query_filter filter_of(struct scanning *s)
{
    const struct replay_order *order = &s->scan->order;
    return (struct query_filter){
        .arena = &s->arena,
        .limit = s->scan->most,
        .is_from_oldest = true,
        .since_ms = order->since_ms,
        .until_ms = order->until_ms,
        .event_name = span_of(order->event_name),
    };
}

static void add(struct replay_found *found, uint64_t delivery, struct event *event)
{
    found->events[found->count] = event;
    found->deliveries[found->count++] = delivery;
}

static enum err scan_deliveries(const struct query *query, struct query_conn *conn,
                                struct scanning *s)
{
    struct query_deliveries *page = &s->deliveries;
    struct query_filter filter = filter_of(s);
    filter.webhook = s->webhook->number;
    filter.states = STATES(s->scan->order.what);
    filter.outcome = s->scan->order.outcome;
    filter.after = s->at_delivery;
    filter.before = delivery_id(s->scan->end_seq, 0);
    enum err err = query->deliveries(conn, &filter, page);
    if (err != OK)
        return err;
    for (size_t i = page->count; i-- > 0;) // newest first
        add(&s->found, page->rows[i].id, page->rows[i].event);
    if (page->scanned_to != 0)
        s->at_delivery = page->scanned_to;
    else if (page->has_more && page->count > 0)
        s->at_delivery = page->rows[0].id;
    else
        s->at_delivery = ALL;
    return OK;
}

// Has the webhook a delivery of it, whatever became of it?
static enum err is_known(const struct query *query, struct query_conn *conn, struct scanning *s,
                         const struct event *event, bool *out)
{
    struct query_deliveries page = {0};
    struct query_filter filter = {
        .arena = &s->arena, .limit = 1, .seq = event->seq, .webhook = s->webhook->number};
    enum err err = query->deliveries(conn, &filter, &page);
    *out = err == OK && page.count > 0;
    query_deliveries_deinit(&page);
    return err;
}

static bool is_wanted(const struct scanning *s, const struct event *event)
{
    if (event->is_erased || event->seq >= s->scan->end_seq ||
        !webhook_matches(s->webhook, event->name))
        return false;
    return !event->has_webhook || uid_eq(&event->webhook, &s->webhook->uuid);
}

// An event that cannot be looked at in time is the next slice's first.
static enum err scan_events(const struct query *query, struct query_conn *conn, struct scanning *s)
{
    struct query_events *page = &s->events;
    struct query_filter filter = filter_of(s);
    filter.tenant = s->webhook->tenant;
    filter.after = s->at_event;
    filter.before = s->scan->end_seq;
    enum err err = query->events(conn, &filter, page);
    s->found.is_missed = true;
    for (size_t i = page->count; i-- > 0 && err == OK;) { // newest first
        struct event *event = page->rows[i];
        bool is_there = true;
        if (is_wanted(s, event))
            err = is_known(query, conn, s, event, &is_there);
        if (err == OK) {
            s->at_event = event->seq;
            if (!is_there)
                add(&s->found, delivery_id(event->seq, 0), event);
        } else if (err == ERR_TIMEOUT && s->at_event != s->scan->at_event) {
            return OK;
        }
    }
    if (err != OK)
        return err;
    if (page->scanned_to != 0)
        s->at_event = page->scanned_to;
    else if (!page->has_more)
        s->at_event = ALL;
    return OK;
}

static enum err scan(const struct query *query, struct query_conn *conn, void *context)
{
    struct scanning *s = context;
    if (s->at_delivery != ALL)
        return scan_deliveries(query, conn, s);
    return s->at_event != ALL ? scan_events(query, conn, s) : OK;
}

// ---- main --------------------------------------------------------------------------------------

static void on_read(struct store_op *op)
{
    struct scanning *s = op->context;
    struct replay_found *found = &s->found;
    found->err = op->err;
    if (op->err == OK) {
        s->scan->next_delivery = s->at_delivery;
        s->scan->next_event = s->at_event;
        if (found->count > 0)
            found->first_seq = delivery_seq(found->deliveries[0]);
    } else {
        found->count = 0;
    }
    s->on_found(s->context, found);
    query_deliveries_deinit(&s->deliveries);
    query_events_deinit(&s->events);
    arena_deinit(&s->arena);
    webhook_unref(s->webhook);
    xfree(s);
}

void replay_scan_run(struct store *store, struct replay_scan *wanted, struct webhook *webhook,
                     replay_found_fn *on_found, void *context)
{
    struct scanning *s = xcalloc(1, sizeof *s);
    s->scan = wanted;
    s->webhook = webhook_ref(webhook);
    s->at_delivery = wanted->at_delivery;
    s->at_event = wanted->at_event;
    s->on_found = on_found;
    s->context = context;
    arena_init(&s->arena, ARENA_BYTES);
    store_op_init(&s->op.op, STORE_READ, on_read, s);
    s->op.read = scan;
    store_submit(store, &s->op.op);
}

// ---- counting ----------------------------------------------------------------------------------

struct counting {
    struct replay_scan scan;
    struct dispatch *dispatch;
    uint32_t number;
    struct replay_count count;
    int64_t until_mono_ms;
    replay_counted_fn *on_counted;
    void *context;
};

#define COUNT_MS 20000 // then what was counted is the answer

static void on_counted_some(void *context, struct replay_found *found);

static void count_some(struct counting *c)
{
    struct hook *hook = hook_find(c->dispatch, c->number);
    replay_scan_run(c->dispatch->env.store, &c->scan, hook->webhook, on_counted_some, c);
}

static void count_end(struct counting *c)
{
    c->on_counted(c->context, &c->count);
    for (size_t i = 0; i < c->count.first_count; i++)
        event_unref(c->count.events[i]);
    xfree(c);
}

static void on_counted_some(void *context, struct replay_found *found)
{
    struct counting *c = context;
    struct replay_count *count = &c->count;
    bool is_late = clock_mono_ms() >= c->until_mono_ms;
    if (found->err == OK)
        replay_scan_accept(&c->scan);
    for (size_t i = 0; i < found->count && count->first_count < REPLAY_FIRST; i++) {
        count->first[count->first_count] = found->deliveries[i];
        count->events[count->first_count++] = event_ref(found->events[i]);
    }
    count->count += found->count;
    count->is_more = !c->scan.is_over;
    count->err = found->err == ERR_TIMEOUT && !is_late ? OK : found->err;
    if (count->err != OK || c->scan.is_over || is_late || count->count >= REPLAY_MOST_COUNTED)
        count_end(c);
    else
        count_some(c);
}

void dispatch_replay_count(struct dispatch *d, uint32_t number, const struct replay_order *order,
                           replay_counted_fn *on_counted, void *context)
{
    struct counting *c = xcalloc(1, sizeof *c);
    c->dispatch = d;
    c->number = number;
    c->on_counted = on_counted;
    c->context = context;
    c->until_mono_ms = clock_mono_ms() + COUNT_MS;
    CHECK(hook_find(d, number) != NULL);
    replay_scan_begin(&c->scan, order, d->next_seq);
    count_some(c);
}
