// SPDX-License-Identifier: MIT
// Replays under way: when the next slice goes, what became of it, where each stands; main only.
//
// A slice, in firing order: look → replay_scan (reader thread) → on_scanned → on_made.
#include "dispatch/replay.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/replay_scan.h"

#define LOOK_MS      20   // between slices
#define TURN_MS      1000 // under live traffic that never pauses, one slice that often
#define STORE_MS     5000 // how often it is stored where it stands
#define AGAIN_MS     1000 // after the store has refused something
#define READS        4    // slices that are read at once
#define SLICE_LEAST  8    // deliveries

#define REPLAY_MAGIC 0x5245504cu
struct replay {
    uint32_t magic;
    struct keep keep;
    struct list_node node; // in dispatch.replays while it runs
    struct replay_scan scan;
    enum replay_state state;
    const char *reason; // static
    char by[REPLAY_MAX_BY];
    uint64_t made, skipped;
    uint64_t first_seq; // where it began to look
    int64_t started_ms, ended_ms;
    int64_t not_before_mono_ms; // the next slice
    int64_t fed_mono_ms, stored_mono_ms;
    bool is_slicing; // a slice is under way: it cannot be freed
};

static const char *const state_names[] = {"running", "paused", "done", "cancelled"};

const char *replay_state_name(enum replay_state state)
{
    return state_names[state];
}

bool replay_parse_what(struct span name, uint32_t *bit)
{
    enum delivery_state state;
    if (span_is(name, "missed"))
        *bit = REPLAY_MISSED;
    else if (delivery_state_parse(name, &state) && delivery_state_is_final(state))
        *bit = 1u << state;
    else
        return false;
    return true;
}

void replay_write_what(uint32_t what, struct json_writer *w)
{
    json_write_array(w);
    for (enum delivery_state state = 0; state < DELIVERY_STATE_COUNT; state++) {
        if ((what & 1u << state) != 0)
            json_write_text(w, delivery_state_name(state));
    }
    if ((what & REPLAY_MISSED) != 0)
        json_write_text(w, "missed");
    json_write_end_array(w);
}

// ---- in the store ------------------------------------------------------------------------------

static bool print(struct keep *keep, struct json_writer *w)
{
    const struct replay *r = CONTAINER_OF(keep, struct replay, keep);
    const struct replay_order *order = &r->scan.order;
    if (keep->hook->is_removed)
        return false;
    json_write_object(w);
    json_write_member_text(w, "state", replay_state_name(r->state));
    json_write_member_text(w, "by", r->by);
    json_write_name(w, "what");
    replay_write_what(order->what, w);
    if (order->outcome != OUTCOME_NONE)
        json_write_member_text(w, "outcome", outcome_name(order->outcome));
    json_write_member_text(w, "event_name", order->event_name);
    json_write_member_int(w, "since_ms", order->since_ms);
    json_write_member_int(w, "until_ms", order->until_ms);
    json_write_member_int(w, "made", (int64_t)r->made);
    json_write_member_int(w, "skipped", (int64_t)r->skipped);
    json_write_member_int(w, "first_seq", (int64_t)r->first_seq);
    json_write_member_int(w, "end_seq", (int64_t)r->scan.end_seq);
    json_write_member_int(w, "at_delivery", (int64_t)r->scan.at_delivery);
    json_write_member_int(w, "at_event", (int64_t)r->scan.at_event);
    json_write_member_int(w, "started_ms", r->started_ms);
    json_write_member_int(w, "ended_ms", r->ended_ms);
    json_write_end_object(w);
    return true;
}

static const struct keep_rules rules = {
    .kind = OBJECT_REPLAY,
    .name = "replay",
    .put_action = "replay",
    .remove_action = "forget_replay",
    .print = print,
};

static struct replay *replay_new(struct hook *hook)
{
    struct replay *r = xcalloc(1, sizeof *r);
    r->magic = REPLAY_MAGIC;
    r->keep.hook = hook;
    r->keep.rules = &rules;
    return r;
}

void replay_free(struct replay *r)
{
    if (r == NULL)
        return;
    CHECK(r->magic == REPLAY_MAGIC);
    list_remove(&r->node);
    keep_deinit(&r->keep);
    r->magic = 0;
    xfree(r);
}

static uint32_t read_what(const struct json_doc *doc)
{
    uint32_t list = json_get(doc, 0, SPAN("what"));
    uint32_t what = 0;
    uint32_t value = JSON_NONE;
    if (list == JSON_NONE || json_type(doc, list) != JSON_ARRAY)
        return 0;
    for (uint32_t at = list + 1; json_next_element(doc, list, &at, &value);) {
        uint32_t bit = 0;
        if (json_type(doc, value) == JSON_STRING &&
            replay_parse_what(json_inside(doc, value), &bit))
            what |= bit;
    }
    return what;
}

static void read_texts(struct replay *r, const struct json_doc *doc)
{
    struct arena arena;
    arena_init(&arena, KEEP_MAX_JSON);
    struct span state = keep_text(doc, "state", &arena);
    struct span name = keep_text(doc, "event_name", &arena);
    struct span by = keep_text(doc, "by", &arena);
    r->state = REPLAY_CANCELLED; // an unknown one does not run
    for (enum replay_state i = 0; i < COUNT_OF(state_names); i++) {
        if (span_is(state, state_names[i]))
            r->state = i;
    }
    (void)!outcome_parse(keep_text(doc, "outcome", &arena), &r->scan.order.outcome);
    snprintf(r->scan.order.event_name, sizeof r->scan.order.event_name, "%.*s", SPAN_ARGS(name));
    snprintf(r->by, sizeof r->by, "%.*s", SPAN_ARGS(by));
    arena_deinit(&arena);
}

static void go_on(struct dispatch *d, struct replay *r)
{
    list_append(&d->replays, &r->node);
    if (!alarm_is_set(&d->replay_look))
        alarm_set(&d->replay_look, LOOK_MS);
}

void replay_on_stored(void *context, const struct object *object)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct json_doc doc;
    struct json_error error;
    struct hook *hook = keep_hook(d, object);
    if (hook == NULL)
        return;
    json_init(&doc);
    if (json_parse(&doc, object->body, JSON_MAX_DEPTH, &error) == OK) {
        struct replay *r = hook->replay = replay_new(hook);
        read_texts(r, &doc);
        r->scan.order.what = read_what(&doc);
        r->scan.order.since_ms = keep_int(&doc, "since_ms");
        r->scan.order.until_ms = keep_int(&doc, "until_ms");
        r->made = (uint64_t)keep_int(&doc, "made");
        r->skipped = (uint64_t)keep_int(&doc, "skipped");
        r->first_seq = (uint64_t)keep_int(&doc, "first_seq");
        r->scan.end_seq = (uint64_t)keep_int(&doc, "end_seq");
        r->scan.at_delivery = (uint64_t)keep_int(&doc, "at_delivery");
        r->scan.at_event = (uint64_t)keep_int(&doc, "at_event");
        r->started_ms = keep_int(&doc, "started_ms");
        r->ended_ms = keep_int(&doc, "ended_ms");
        keep_on_stored(&r->keep, object);
        if (r->state == REPLAY_RUNNING)
            go_on(d, r);
    } else {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "stored replay of %.*s cannot be read: %s",
                 SPAN_ARGS(object->key), error.message);
    }
    json_deinit(&doc);
}

static void store(struct dispatch *d, struct replay *r, struct span by)
{
    r->stored_mono_ms = clock_mono_ms();
    keep_save(d, &r->keep, by);
}

// ---- its life ----------------------------------------------------------------------------------

static void log_change(const struct replay *r, const char *what, struct span by)
{
    struct log_record record;
    log_begin(&record, LOG_INFO, LOG_DISPATCH_AREA, what);
    log_uid(&record, "webhook", &r->keep.hook->webhook->uuid);
    log_int(&record, "made", (int64_t)r->made);
    log_int(&record, "skipped", (int64_t)r->skipped);
    log_span(&record, "by", by);
    log_end(&record);
}

static void end(struct dispatch *d, struct replay *r, enum replay_state state, const char *reason,
                struct span by)
{
    list_remove(&r->node);
    r->state = state;
    r->reason = reason;
    r->ended_ms = clock_wall_ms();
    log_change(r, state == REPLAY_DONE ? "a replay is done" : "a replay was cancelled", by);
    store(d, r, by);
}

static bool is_under_way(const struct replay *r)
{
    return r != NULL && (r->state == REPLAY_RUNNING || r->state == REPLAY_PAUSED);
}

enum err dispatch_replay_start(struct dispatch *d, uint32_t number,
                               const struct replay_order *order, struct span by)
{
    struct hook *hook = hook_find(d, number);
    if (hook == NULL || hook->is_removed)
        return ERR_NOT_FOUND;
    if (!hook->webhook->is_active)
        return ERR_DENIED;
    if (is_under_way(hook->replay) || (hook->replay != NULL && hook->replay->is_slicing))
        return ERR_CONFLICT;
    if (hook->replay == NULL)
        hook->replay = replay_new(hook);
    struct replay *r = hook->replay;
    replay_scan_begin(&r->scan, order, d->next_seq);
    r->state = REPLAY_RUNNING;
    r->reason = NULL;
    snprintf(r->by, sizeof r->by, "%.*s", SPAN_ARGS(by));
    r->made = r->skipped = r->first_seq = 0;
    r->started_ms = clock_wall_ms();
    r->ended_ms = r->not_before_mono_ms = 0;
    log_change(r, "a replay has begun", by);
    store(d, r, by);
    go_on(d, r);
    return OK;
}

enum err dispatch_replay_change(struct dispatch *d, uint32_t number, enum replay_change change,
                                struct span by)
{
    struct hook *hook = hook_find(d, number);
    struct replay *r = hook != NULL ? hook->replay : NULL;
    if (!is_under_way(r))
        return ERR_NOT_FOUND;
    switch (change) {
    case REPLAY_CANCEL: end(d, r, REPLAY_CANCELLED, "cancelled by an operator", by); return OK;
    case REPLAY_PAUSE:
        if (r->state == REPLAY_PAUSED)
            return OK;
        list_remove(&r->node);
        r->state = REPLAY_PAUSED;
        break;
    case REPLAY_RESUME:
        if (r->state == REPLAY_RUNNING)
            return OK;
        r->state = REPLAY_RUNNING;
        go_on(d, r);
        break;
    }
    log_change(r, r->state == REPLAY_PAUSED ? "a replay is paused" : "a replay goes on", by);
    store(d, r, by);
    return OK;
}

void replay_on_edit(struct dispatch *d, struct hook *hook)
{
    struct replay *r = hook->replay;
    if (r == NULL)
        return;
    if (hook->is_removed) {
        bool was_under_way = is_under_way(r);
        list_remove(&r->node);
        r->state = REPLAY_CANCELLED;
        r->reason = "its webhook was deleted";
        if (was_under_way)
            log_change(r, "a replay was cancelled: its webhook was deleted", SPAN("engine"));
        store(d, r, SPAN("engine"));
    } else if (!hook->webhook->is_active && is_under_way(r)) {
        end(d, r, REPLAY_CANCELLED, "its webhook was deactivated", SPAN("engine"));
    }
}

// ---- slices ------------------------------------------------------------------------------------

struct slice {
    struct store_retry op;
    struct dispatch *dispatch;
    struct replay *replay;
    struct redo list[REPLAY_SLICE_MAX];
};

static bool may_go(const struct dispatch *d, const struct replay *r)
{
    const struct hook *hook = r->keep.hook;
    int64_t now = clock_mono_ms();
    int64_t wall = clock_wall_ms();
    if (r->is_slicing || now < r->not_before_mono_ms || d->is_draining || d->is_store_down ||
        hook_is_held(hook, wall) || hook->claiming > 0 || hook->next_due_ms <= wall)
        return false;
    return hook->ready_count == 0 || now - r->fed_mono_ms >= TURN_MS;
}

static void slice_end(struct slice *slice)
{
    slice->replay->is_slicing = false;
    slice->dispatch->replay_reads--;
    slice->dispatch->settling--;
}

static void on_made(struct store_op *op)
{
    struct slice *slice = (struct slice *)(void *)op;
    struct dispatch *d = slice->dispatch;
    struct replay *r = slice->replay;
    slice_end(slice);
    for (size_t i = 0; i < slice->op.count && op->err == OK; i++) {
        webhooks_add_redone(d, &slice->list[i], slice->op.now_ms);
        r->made += slice->list[i].err == OK;
        r->skipped += slice->list[i].err != OK;
    }
    if (op->err != OK) {
        r->not_before_mono_ms = clock_mono_ms() + AGAIN_MS;
    } else {
        replay_scan_accept(&r->scan);
        r->fed_mono_ms = clock_mono_ms();
        if (r->scan.is_over && r->state == REPLAY_RUNNING)
            end(d, r, REPLAY_DONE, NULL, SPAN("engine"));
        else if (d->is_draining || r->state != REPLAY_RUNNING || // stored before this slice ended
                 clock_mono_ms() - r->stored_mono_ms >= STORE_MS)
            store(d, r, SPAN("engine"));
    }
    xfree(slice);
}

static void on_scanned(void *context, struct replay_found *found)
{
    struct slice *slice = context;
    struct dispatch *d = slice->dispatch;
    struct replay *r = slice->replay;
    if (r->first_seq == 0 && found->err == OK)
        r->first_seq = found->first_seq;
    // Nothing more is made for one that was paused or cancelled while it was read.
    if (found->err != OK || r->state != REPLAY_RUNNING || d->is_draining) {
        slice_end(slice);
        r->not_before_mono_ms = clock_mono_ms() + (found->err != OK ? AGAIN_MS : 0);
        xfree(slice);
        return;
    }
    store_op_init(&slice->op.op, STORE_RETRY, on_made, d);
    for (size_t i = 0; i < found->count; i++)
        slice->list[i] = (struct redo){.delivery = found->deliveries[i],
                                       .webhook = found->is_missed ? r->keep.hook->number : 0};
    slice->op.list = slice->list;
    slice->op.count = found->count;
    slice->op.now_ms = clock_wall_ms();
    store_submit(d->env.store, &slice->op.op);
}

// What a new event may have to wait for: few that are sent one by one, and none that has no token of
// the rate limit within a second.
static uint32_t slice_size(const struct webhook *webhook)
{
    uint32_t size = 2 * webhook->max_in_flight;
    size = size < SLICE_LEAST ? SLICE_LEAST : size;
    if (webhook->rate_per_second > 0 && webhook->rate_per_second < size)
        size = webhook->rate_per_second < 1 ? 1 : (uint32_t)webhook->rate_per_second;
    return size < REPLAY_SLICE_MAX ? size : REPLAY_SLICE_MAX;
}

static void slice_begin(struct dispatch *d, struct replay *r)
{
    struct slice *slice = xcalloc(1, sizeof *slice);
    slice->dispatch = d;
    slice->replay = r;
    r->is_slicing = true;
    d->replay_reads++;
    d->settling++; // draining waits for it
    r->scan.most = slice_size(r->keep.hook->webhook);
    replay_scan_run(d->env.store, &r->scan, r->keep.hook->webhook, on_scanned, slice);
}

static void on_look(void *context)
{
    struct dispatch *d = NULL;
    CAST(d, context, DISPATCH_MAGIC);
    struct list rest;
    struct list_node *node;
    list_init(&rest);
    while ((node = list_pop(&d->replays)) != NULL) {
        struct replay *r = CONTAINER_OF(node, struct replay, node);
        list_append(&rest, node);
        if (d->replay_reads < READS && may_go(d, r))
            slice_begin(d, r);
    }
    // Those that got no turn for want of reads come first next time: the list turns.
    node = list_pop(&rest);
    list_splice(&d->replays, &rest);
    if (node != NULL)
        list_append(&d->replays, node);
    if (!list_is_empty(&d->replays) && !d->is_draining)
        alarm_set(&d->replay_look, LOOK_MS);
}

void replay_start(struct dispatch *d)
{
    list_init(&d->replays);
    alarm_start(&d->replay_look, d->env.loop, on_look, d);
}

void replay_stop(struct dispatch *d, alarm_fn *on_stopped)
{
    alarm_stop(&d->replay_look, on_stopped);
}

void replay_drain(struct dispatch *d)
{
    LIST_FOREACH_SAFE(node, &d->replays)
        store(d, CONTAINER_OF(node, struct replay, node), SPAN("engine"));
}

// ---- figures -----------------------------------------------------------------------------------

static int percent_of(const struct replay *r)
{
    uint64_t all = r->scan.end_seq > r->first_seq ? r->scan.end_seq - r->first_seq : 1;
    uint64_t at = replay_scan_seq(&r->scan);
    uint64_t done = at > r->first_seq && r->first_seq != 0 ? at - r->first_seq : 0;
    if (r->state == REPLAY_DONE)
        return 100;
    return done >= all ? 99 : (int)(done * 99 / all);
}

bool dispatch_replay(const struct dispatch *d, uint32_t number, struct replay_view *out)
{
    const struct hook *hook = hook_find(d, number);
    if (hook == NULL || hook->replay == NULL)
        return false;
    const struct replay *r = hook->replay;
    int64_t now = clock_wall_ms();
    const char *reason = r->reason;
    if (r->state == REPLAY_RUNNING && hook_is_held(hook, now))
        reason = holds_reason(&hook->holds, now);
    *out = (struct replay_view){.order = &r->scan.order,
                                .state = r->state,
                                .reason = reason,
                                .by = r->by,
                                .made = r->made,
                                .skipped = r->skipped,
                                .started_ms = r->started_ms,
                                .ended_ms = r->ended_ms,
                                .percent = percent_of(r)};
    return true;
}
