// SPDX-License-Identifier: MIT
// Explain: why did event E not reach webhook W? The first cause in one sentence, then the details;
// main only, reading on the reader thread. (admin.md, Explain)
#include <inttypes.h>
#include <stdio.h>

#include "admin/api.h"
#include "admin/reading.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/mem.h"
#include "dispatch/figures.h"

static void write_sentence(struct api_call *call, const char *name, struct buf *text)
{
    json_write_member_string(&call->json, name, buf_span(text));
    buf_clear(text);
}

// ---- what a delivery's state means -------------------------------------------------------------

static void say_when(struct buf *out, const char *what, int64_t at_ms)
{
    char date[DATE_TEXT_LEN];
    if (at_ms == 0 || at_ms == INT64_MAX)
        return;
    date_print_ms(at_ms, date);
    (void)buf_append_format(out, "%s %s", what, date);
}

// ": 20 failures in a row of github@1a2b3c4d …" when that is why it is held.
static void say_quarantine(const struct dispatch *dispatch, uint32_t webhook, struct buf *out)
{
    struct dispatch_quarantine q;
    if (!dispatch_quarantine(dispatch, webhook, &q))
        return;
    (void)buf_append_format(out, " (%u failures in a row of %s, the last one %s: %s", q.failures,
                            q.scripts, outcome_name(q.outcome), q.reason);
    (void)buf_append_text(out, "). It goes on with another version of the script, or by: grapnel "
                               "scripts release NAME");
}

// "circuit_breaker, until 2026-…; retry_after, until …": the one that ends last first.
static void say_holds(const struct dispatch_webhook_state *state, struct buf *out)
{
    for (size_t i = 0; i < state->hold_count; i++) {
        const struct dispatch_hold *hold = &state->holds[i];
        (void)buf_append_format(out, "%s%s (%s)", i > 0 ? "; " : "", hold_name(hold->reason),
                                hold_means(hold->reason));
        say_when(out, ", until", hold->until_ms);
    }
}

static void say_rate(const struct webhook *webhook, const struct dispatch_webhook_state *state,
                     struct buf *out)
{
    char rate[JSON_DOUBLE_TEXT];
    (void)json_write_double_text(webhook->rate_per_second, rate);
    (void)buf_append_format(out,
                            "Its webhook's rate limit of %s requests a second lets no more go now; "
                            "%" PRIu64 " deliveries wait. Nothing is lost.",
                            rate, state->waiting_rows + state->ready);
}

static void say_waiting(const struct api_call *call, const struct query_delivery *row,
                        struct buf *out)
{
    const struct dispatch *dispatch = call->admin->env.dispatch;
    struct webhook *webhook = dispatch_webhook_by_number(dispatch, row->webhook);
    struct dispatch_webhook_state state;
    dispatch_webhook_state(dispatch, row->webhook, &state);
    if (webhook == NULL) {
        (void)buf_append_text(out, "Its webhook was deleted.");
        return;
    }
    if (state.hold_count > 0) {
        (void)buf_append_text(out, "It waits because its webhook is held: ");
        say_holds(&state, out);
        say_quarantine(dispatch, row->webhook, out);
        (void)buf_append_format(out, "; %" PRIu64 " deliveries wait with it. Nothing is lost.",
                                state.waiting_rows);
        return;
    }
    if (state.waits_for_token && row->due_ms <= clock_wall_ms()) {
        say_rate(webhook, &state, out);
        return;
    }
    if (row->outcome != OUTCOME_NONE)
        (void)buf_append_format(out, "Attempt %u ended as %s; it is tried again",
                                row->attempt_count, outcome_name(row->outcome));
    else
        (void)buf_append_text(out, "It has not been tried yet and waits for its turn");
    say_when(out, " at", row->due_ms);
    (void)buf_append_char(out, '.');
}

static void say_state(const struct api_call *call, const struct query_delivery *row,
                      enum delivery_state state, struct buf *out)
{
    switch (state) {
    case DELIVERY_PENDING: say_waiting(call, row, out); return;
    case DELIVERY_CLAIMED:
        (void)buf_append_text(out, "It is in memory and waits for its webhook's turn.");
        return;
    case DELIVERY_RUNNING: (void)buf_append_text(out, "It is being rendered or sent now."); return;
    case DELIVERY_DELIVERED:
        (void)buf_append_format(out, "Delivered with attempt %u", row->attempt_count);
        say_when(out, " at", row->settled_ms);
        (void)buf_append_char(out, '.');
        return;
    case DELIVERY_FILTERED: (void)buf_append_text(out, "A script decided not to send it: "); break;
    case DELIVERY_DEAD:
        (void)buf_append_format(out, "Given up after %u attempts (%s): ", row->attempt_count,
                                row->outcome != OUTCOME_NONE ? outcome_name(row->outcome) : "none");
        break;
    case DELIVERY_CANCELLED: (void)buf_append_text(out, "Cancelled: "); break;
    case DELIVERY_STATE_COUNT: CHECK(!"a state");
    }
    const struct attempt *last =
        row->attempt_count > 0 ? &row->attempts[row->attempt_count - 1] : NULL;
    struct span why = last != NULL && last->reason.len > 0 ? last->reason : row->reason;
    (void)buf_append_format(out, "%.*s.", SPAN_ARGS(why));
}

static void write_delivery(struct api_call *call, const struct query_delivery *row)
{
    struct json_writer *w = &call->json;
    struct webhook *webhook = dispatch_webhook_by_number(call->admin->env.dispatch, row->webhook);
    struct dispatch_overlay overlay;
    struct buf text;
    dispatch_overlay(call->admin->env.dispatch, row->id, row->webhook, &overlay);
    buf_init(&text, 16384);
    json_write_object(w);
    if (webhook != NULL)
        webhook_safe_target(webhook->target, &text);
    write_sentence(call, "target", &text);
    say_state(call, row, overlay.is_known ? overlay.state : row->state, &text);
    json_write_name(w, "summary");
    json_write_quoted_value(w, buf_span(&text));
    buf_deinit(&text);
    json_write_name(w, "delivery");
    api_write_delivery(call, row);
    json_write_end_object(w);
}

// ---- a delivery --------------------------------------------------------------------------------

static void explain_delivery(struct api_call *call, const struct query_delivery *row)
{
    write_delivery(call, row);
    api_send(call, 200);
}

void api_deliveries_explain(struct api_call *call)
{
    reading_one_delivery(call, explain_delivery);
}

// ---- an event ----------------------------------------------------------------------------------

// A webhook's revision as it was when the event was accepted.
struct then {
    struct then *next;
    uint32_t number;
    bool was_deleted;
    struct span body; // JSON
};

struct explaining {
    struct then *then; // newest first; in the reading's arena
    struct arena *arena;
};

static void on_then(void *context, const struct object *object)
{
    struct explaining *e = context;
    struct then *then = arena_zalloc(e->arena, sizeof *then);
    then->number = object->number;
    then->was_deleted = object->is_deleted;
    then->body = arena_copy(e->arena, object->body);
    then->next = e->then;
    e->then = then;
}

static enum err read_all(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    enum err err = query->event(conn, r->seq, &r->event);
    if (err == OK) {
        r->filter.seq = r->seq;
        r->filter.limit = QUERY_MAX_LIMIT;
        err = query->deliveries(conn, &r->filter, &r->deliveries);
    }
    if (err == OK)
        err = query->webhooks_at(conn, r->event->accepted_ms, on_then, r->context);
    return err;
}

static bool is_listed(const uint32_t *numbers, uint32_t count, uint32_t number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (numbers[i] == number)
            return true;
    }
    return false;
}

static void say_why_not(const struct event *event, const struct webhook *webhook, bool was_missed,
                        struct buf *out)
{
    if (was_missed) {
        (void)buf_append_text(out, "missed: it was inactive");
        if (webhook->disabled != WEBHOOK_ENABLED)
            (void)buf_append_format(out, " (%s)", webhook_disabled_name(webhook->disabled));
    } else if (event->has_webhook) {
        (void)buf_append_text(out, "not matched: the event names another webhook");
    } else if (!span_eq(webhook->tenant, event->tenant)) {
        (void)buf_append_format(out, "not matched: it belongs to tenant \"%.*s\"",
                                SPAN_ARGS(webhook->tenant));
    } else if (!webhook_matches(webhook, event->name)) {
        (void)buf_append_text(out, "not matched: it subscribed to ");
        for (uint32_t i = 0; i < webhook->event_count; i++)
            (void)buf_append_format(out, "%s%.*s", i > 0 ? ", " : "",
                                    SPAN_ARGS(webhook->events[i]));
        (void)buf_append_text(out, " only");
    } else {
        (void)buf_append_text(out, "not matched: it was saved in the same moment, after the event");
    }
}

static void write_then(struct api_call *call, const struct event *event, const struct then *then)
{
    struct webhook_rules rules = {.is_stored = true};
    struct webhook *webhook = NULL;
    struct problems problems;
    struct buf text;
    if (then->was_deleted || is_listed(event->webhooks, event->webhook_count, then->number))
        return;
    problems_init(&problems);
    buf_init(&text, 65536);
    if (webhook_parse(&webhook, then->body, &rules, &problems) == OK) {
        json_write_object(&call->json);
        json_write_name(&call->json, "webhook");
        json_write_uid(&call->json, &webhook->uuid);
        webhook_safe_target(webhook->target, &text);
        write_sentence(call, "target", &text);
        say_why_not(event, webhook, is_listed(event->missed, event->missed_count, then->number),
                    &text);
        write_sentence(call, "summary", &text);
        json_write_end_object(&call->json);
    }
    buf_deinit(&text);
    problems_deinit(&problems);
    webhook_unref(webhook);
}

static void say_event(const struct reading *r, struct buf *out)
{
    uint32_t done = 0;
    for (size_t i = 0; i < r->deliveries.count; i++)
        done += r->deliveries.rows[i].state == DELIVERY_DELIVERED;
    if (r->event->webhook_count == 0)
        (void)buf_append_text(out, "No active webhook wanted it.");
    else if (done == r->event->webhook_count)
        (void)buf_append_format(out, "Every webhook that wanted it got it (%u).", done);
    else
        (void)buf_append_format(out, "%u of %u webhooks did not get it (yet).",
                                r->event->webhook_count - done, r->event->webhook_count);
}

static void on_all(struct reading *r)
{
    struct api_call *call = r->call;
    struct json_writer *w = &call->json;
    struct explaining *e = r->context;
    struct buf text;
    if (r->err == OK && !uid_eq(&r->event->id, &r->uid))
        r->err = ERR_NOT_FOUND;
    if (r->err != OK) {
        api_refuse_err(call, r->err);
        return;
    }
    buf_init(&text, 512);
    json_write_object(w);
    say_event(r, &text);
    write_sentence(call, "summary", &text);
    buf_deinit(&text);
    json_write_name(w, "event");
    api_write_event(call, r->event, false);
    json_write_name(w, "deliveries");
    json_write_array(w);
    for (size_t i = r->deliveries.count; i-- > 0;) // in the event's order
        write_delivery(call, &r->deliveries.rows[i]);
    json_write_end_array(w);
    json_write_member_bool(w, "has_more_deliveries", r->deliveries.has_more);
    json_write_name(w, "not_matched");
    json_write_array(w);
    for (const struct then *then = e->then; then != NULL; then = then->next)
        write_then(call, r->event, then);
    json_write_end_array(w);
    json_write_end_object(w);
    api_send(call, 200);
}

void api_events_explain(struct api_call *call)
{
    struct reading *r = reading_new(call);
    if (!uid_parse(call->id, &r->uid) || !eventid_open(call->admin->env.id_key, &r->uid, &r->seq)) {
        reading_free(r);
        api_refuse(call, PROBLEM_NOT_FOUND, "no event %.*s", SPAN_ARGS(call->id));
        return;
    }
    struct explaining *e = arena_zalloc(&r->arena, sizeof *e);
    e->arena = &r->arena;
    r->context = e;
    reading_run(r, read_all, on_all);
}

// ---- a webhook: why is nothing arriving? -------------------------------------------------------

static void say_failing(const struct dispatch *dispatch, uint32_t webhook, struct buf *out)
{
    struct dispatch_failing f;
    if (!dispatch_failing(dispatch, webhook, &f) || f.disabled_from_ms == 0)
        return;
    (void)buf_append_format(out, " It has failed %" PRIu32 " times on %" PRIu32 " days", f.failures,
                            f.days);
    say_when(out, " since", f.since_ms);
    say_when(out, " and will be disabled from", f.disabled_from_ms);
    (void)buf_append_text(out, ", unless an attempt succeeds.");
}

static void say_webhook(const struct dispatch *dispatch, const struct webhook *webhook,
                        const struct dispatch_webhook_state *state, struct buf *out)
{
    if (!webhook->is_active && webhook->disabled != WEBHOOK_ENABLED) {
        (void)buf_append_format(out, "It is disabled (%s)",
                                webhook_disabled_name(webhook->disabled));
        say_when(out, " since", webhook->disabled_ms);
        (void)buf_append_text(out,
                              "; events that it would want are remembered as missed: once it is "
                              "enabled, a replay since then sends them.");
    } else if (!webhook->is_active) {
        (void)buf_append_text(out, "It is inactive; events that it would want are remembered as "
                                   "missed.");
    } else if (state->hold_count > 0) {
        (void)buf_append_text(out, "It is held: ");
        say_holds(state, out);
        say_quarantine(dispatch, webhook->number, out);
        (void)buf_append_format(out, "; %" PRIu64 " deliveries wait, nothing is lost.",
                                state->waiting_rows);
    } else if (state->waits_for_token) {
        say_rate(webhook, state, out);
    } else if (state->last_attempt_ms == 0) {
        (void)buf_append_text(out, "Nothing was sent to it since the engine's start: no event that "
                                   "it wants has come.");
    } else {
        (void)buf_append_format(out, "Its last attempt ended as %s",
                                outcome_name(state->last_outcome));
        say_when(out, " at", state->last_attempt_ms);
        (void)buf_append_char(out, '.');
    }
    say_failing(dispatch, webhook->number, out);
}

void api_webhooks_explain(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    struct dispatch_webhook_state state;
    struct buf text;
    if (webhook == NULL)
        return;
    dispatch_webhook_state(call->admin->env.dispatch, webhook->number, &state);
    buf_init(&text, 4096);
    say_webhook(call->admin->env.dispatch, webhook, &state, &text);
    json_write_object(&call->json);
    write_sentence(call, "summary", &text);
    buf_deinit(&text);
    json_write_name(&call->json, "webhook");
    api_write_webhook(call, webhook, false);
    json_write_end_object(&call->json);
    api_send(call, 200);
}
