// SPDX-License-Identifier: MIT
// Replays: /api/v1/webhooks/{id}/replay, /replays, /deliveries/retry, /events/{id}/replay; main only.
#include <stdio.h>
#include <string.h>

#include "admin/api.h"
#include "admin/reading.h"
#include "base/date.h"
#include "base/mem.h"
#include "dispatch/replay.h"

// ---- what is wanted ----------------------------------------------------------------------------

struct wish {
    struct replay_order order;
    bool has_what;
    bool is_dry_run;
    bool may_choose;                 // of all webhooks: "webhook" and "tenant" are members too
    const struct webhook *webhook;   // NULL: all
    char tenant[EVENT_MAX_NAME + 1]; // empty: any
    struct problems problems;
};

static struct span text_of(struct api_call *call, const struct json_doc *doc, uint32_t value)
{
    if (json_type(doc, value) != JSON_STRING)
        return (struct span){0};
    char *text = arena_zalloc(&call->arena, json_inside(doc, value).len + 1);
    return span_make(text, json_decode_string(doc, value, text));
}

static void read_time(struct wish *wish, const char *name, struct span text, int64_t *out)
{
    if (text.len == 0 || !date_parse_ms(text, out) || *out <= 0)
        problem_add(&wish->problems, name,
                    "must be an RFC 3339 time with a zone, such as 2026-01-31T12:00:00Z");
}

static void read_what(struct wish *wish, const struct json_doc *doc, uint32_t list)
{
    uint32_t value = JSON_NONE;
    bool is_good = json_type(doc, list) == JSON_ARRAY;
    wish->has_what = true;
    for (uint32_t at = list + 1; is_good && json_next_element(doc, list, &at, &value);) {
        uint32_t bit = 0;
        is_good = json_type(doc, value) == JSON_STRING &&
                  replay_parse_what(json_inside(doc, value), &bit);
        wish->order.what |= bit;
    }
    if (!is_good || wish->order.what == 0)
        problem_add(&wish->problems, "state",
                    "must be a list of some of delivered, filtered, dead, cancelled and missed");
}

static void read_name(struct wish *wish, struct span text)
{
    if (!event_name_is_valid(text))
        problem_add(&wish->problems, "event_name", "must be the whole name of an event");
    else
        snprintf(wish->order.event_name, sizeof wish->order.event_name, "%.*s", SPAN_ARGS(text));
}

static void read_webhook(struct api_call *call, struct wish *wish, struct span text)
{
    struct uid uuid;
    if (uid_parse(text, &uuid))
        wish->webhook = dispatch_webhook(call->admin->env.dispatch, &uuid);
    if (wish->webhook == NULL)
        problem_add(&wish->problems, "webhook", "no such webhook");
}

static void read_tenant(struct wish *wish, struct span text)
{
    if (!event_name_is_valid(text))
        problem_add(&wish->problems, "tenant", "must be a tenant's name");
    else
        snprintf(wish->tenant, sizeof wish->tenant, "%.*s", SPAN_ARGS(text));
}

static void read_member(struct api_call *call, struct wish *wish, const struct json_doc *doc,
                        uint32_t name, uint32_t value)
{
    struct span text = text_of(call, doc, value);
    if (json_string_is(doc, name, SPAN("since")))
        read_time(wish, "since", text, &wish->order.since_ms);
    else if (json_string_is(doc, name, SPAN("until")))
        read_time(wish, "until", text, &wish->order.until_ms);
    else if (json_string_is(doc, name, SPAN("state")))
        read_what(wish, doc, value);
    else if (json_string_is(doc, name, SPAN("event_name")))
        read_name(wish, text);
    else if (json_string_is(doc, name, SPAN("outcome"))) {
        if (!outcome_parse(text, &wish->order.outcome))
            problem_add(&wish->problems, "outcome", "is no outcome");
    } else if (json_string_is(doc, name, SPAN("dry_run"))) {
        wish->is_dry_run = json_type(doc, value) == JSON_TRUE;
        if (!wish->is_dry_run && json_type(doc, value) != JSON_FALSE)
            problem_add(&wish->problems, "dry_run", "must be true or false");
    } else if (wish->may_choose && json_string_is(doc, name, SPAN("webhook")))
        read_webhook(call, wish, text);
    else if (wish->may_choose && json_string_is(doc, name, SPAN("tenant")))
        read_tenant(wish, text);
    else
        problem_add(&wish->problems, "",
                    "has only since, until, state, outcome, event_name%s and dry_run",
                    wish->may_choose ? ", webhook, tenant" : "");
}

static void check(struct wish *wish)
{
    struct replay_order *order = &wish->order;
    if (!wish->has_what)
        order->what = 1u << DELIVERY_DEAD |
                      (order->since_ms != 0 && order->outcome == OUTCOME_NONE ? REPLAY_MISSED : 0);
    if ((order->what & REPLAY_MISSED) != 0 && order->since_ms == 0)
        problem_add(&wish->problems, "since",
                    "say from when on events count as missed, or everything that is kept would go");
    if ((order->what & REPLAY_MISSED) != 0 && order->outcome != OUTCOME_NONE)
        problem_add(&wish->problems, "outcome", "what was missed has no outcome");
    if (order->until_ms != 0 && order->until_ms <= order->since_ms)
        problem_add(&wish->problems, "until", "must be after since");
}

// False: the call has been refused.
static bool read_wish(struct api_call *call, struct wish *wish)
{
    struct json_doc doc;
    struct json_error error;
    struct span body = buf_span(&call->request->body);
    problems_init(&wish->problems);
    json_init(&doc);
    bool is_json = json_parse(&doc, body.len > 0 ? body : SPAN("{}"), JSON_MAX_DEPTH, &error) == OK;
    if (!is_json) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    } else if (json_type(&doc, 0) != JSON_OBJECT || json_duplicate(&doc, 0) != JSON_NONE) {
        problem_add(&wish->problems, "", "must be a JSON object without a name twice");
    } else {
        uint32_t at = 1;
        uint32_t name;
        uint32_t value;
        while (json_next_member(&doc, 0, &at, &name, &value))
            read_member(call, wish, &doc, name, value);
        check(wish);
    }
    bool is_good = is_json && wish->problems.count == 0;
    if (is_json && !is_good)
        api_refuse_fields(call, &wish->problems);
    json_deinit(&doc);
    problems_deinit(&wish->problems);
    return is_good;
}

// ---- views -------------------------------------------------------------------------------------

static void write_replay(struct json_writer *w, const struct webhook *webhook,
                         const struct replay_view *view)
{
    char uuid[UID_TEXT_LEN + 1];
    const struct replay_order *order = view->order;
    uid_print(&webhook->uuid, uuid);
    json_write_object(w);
    json_write_member_text(w, "webhook", uuid);
    json_write_member_string(w, "name", webhook->name);
    json_write_member_text(w, "state", replay_state_name(view->state));
    json_write_member_text(w, "reason", view->reason);
    json_write_member_int(w, "made", (int64_t)view->made);
    json_write_member_int(w, "skipped", (int64_t)view->skipped);
    json_write_member_int(w, "percent", view->percent);
    json_write_name(w, "what");
    replay_write_what(order->what, w);
    if (order->outcome != OUTCOME_NONE)
        json_write_member_text(w, "outcome", outcome_name(order->outcome));
    if (order->event_name[0] != '\0')
        json_write_member_text(w, "event_name", order->event_name);
    json_write_name(w, "since");
    json_write_date_ms(w, order->since_ms);
    json_write_name(w, "until");
    json_write_date_ms(w, order->until_ms);
    json_write_member_text(w, "by", view->by);
    json_write_name(w, "started_at");
    json_write_date_ms(w, view->started_ms);
    json_write_name(w, "ended_at");
    json_write_date_ms(w, view->ended_ms);
    json_write_end_object(w);
}

static void answer(struct api_call *call, const struct webhook *webhook, int status)
{
    struct replay_view view;
    if (dispatch_replay(call->admin->env.dispatch, webhook->number, &view)) {
        write_replay(&call->json, webhook, &view);
        api_send(call, status);
    } else {
        api_refuse(call, PROBLEM_NOT_FOUND, "nothing was ever replayed to this webhook");
    }
}

void api_replays_read(struct api_call *call)
{
    const struct webhook *webhook = api_webhook(call);
    if (webhook != NULL)
        answer(call, webhook, 200);
}

void api_replays_list(struct api_call *call)
{
    struct dispatch *dispatch = call->admin->env.dispatch;
    struct api_page page;
    const struct webhook *webhook = NULL;
    const struct webhook *last = NULL;
    struct replay_view view;
    size_t count = 0;
    bool has_more = false;
    if (!api_only(call, (const char *const[]){"limit", "cursor"}, 2) || !api_page(call, &page))
        return;
    uint32_t from = UINT32_MAX;
    if (page.has_cursor && (last = dispatch_webhook(dispatch, &page.at)) != NULL)
        from = last->number;
    last = NULL;
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    json_write_array(&call->json);
    while (!has_more && (webhook = dispatch_webhook_previous(dispatch, from)) != NULL) {
        from = webhook->number;
        if (!dispatch_replay(dispatch, webhook->number, &view))
            continue;
        has_more = count == page.limit;
        if (has_more)
            break;
        write_replay(&call->json, webhook, &view);
        last = webhook;
        count++;
    }
    json_write_end_array(&call->json);
    api_write_cursors(call, has_more ? &last->uuid : NULL, NULL);
    json_write_end_object(&call->json);
    api_send(call, 200);
}

// ---- counting ----------------------------------------------------------------------------------

#define COUNTING_MAGIC 0x52434e54u
struct counting {
    uint32_t magic;
    struct api_call *call;
    struct wish wish;
    uint32_t number; // of the webhook that is being counted
    uint64_t count;
    size_t first_count;
    bool is_one; // webhook
};

static bool is_chosen(const struct wish *wish, const struct webhook *webhook)
{
    return webhook->is_active &&
           (wish->tenant[0] == '\0' || span_is(webhook->tenant, wish->tenant));
}

static const struct webhook *next_chosen(struct api_call *call, const struct wish *wish,
                                         uint32_t after)
{
    const struct webhook *webhook = NULL;
    while ((webhook = dispatch_webhook_next(call->admin->env.dispatch, after)) != NULL) {
        if (is_chosen(wish, webhook))
            return webhook;
        after = webhook->number;
    }
    return NULL;
}

static void write_first(struct counting *c, const struct replay_count *count)
{
    struct json_writer *w = &c->call->json;
    const struct webhook *webhook =
        dispatch_webhook_by_number(c->call->admin->env.dispatch, c->number);
    for (size_t i = 0; i < count->first_count && c->first_count < REPLAY_FIRST; i++) {
        char text[UID_TEXT_LEN + 1];
        c->first_count++;
        json_write_object(w);
        uid_print(&count->events[i]->id, text);
        json_write_member_text(w, "event", text);
        json_write_member_string(w, "event_name", count->events[i]->name);
        json_write_name(w, "accepted_at");
        json_write_date_ms(w, count->events[i]->accepted_ms);
        if (webhook != NULL) {
            uid_print(&webhook->uuid, text);
            json_write_member_text(w, "webhook", text);
        }
        json_write_end_object(w);
    }
}

static void count_end(struct counting *c, bool is_more)
{
    struct json_writer *w = &c->call->json;
    json_write_end_array(w);
    json_write_member_bool(w, "dry_run", true);
    json_write_member_int(w, "count", (int64_t)c->count);
    json_write_member_bool(w, "is_more", is_more);
    json_write_end_object(w);
    api_send(c->call, 200);
    xfree(c);
}

static void on_counted(void *context, const struct replay_count *count)
{
    struct counting *c;
    CAST(c, context, COUNTING_MAGIC);
    if (count->err != OK) {
        api_refuse_err(c->call, count->err);
        xfree(c);
        return;
    }
    c->count += count->count;
    write_first(c, count);
    const struct webhook *next = c->is_one ? NULL : next_chosen(c->call, &c->wish, c->number);
    bool is_enough = count->is_more || c->count >= REPLAY_MOST_COUNTED;
    if (next == NULL || is_enough) {
        count_end(c, count->is_more || (is_enough && next != NULL));
        return;
    }
    c->number = next->number;
    dispatch_replay_count(c->call->admin->env.dispatch, c->number, &c->wish.order, on_counted, c);
}

static void count(struct api_call *call, const struct wish *wish, const struct webhook *webhook)
{
    struct counting *c = xcalloc(1, sizeof *c);
    c->magic = COUNTING_MAGIC;
    c->call = call;
    c->wish = *wish;
    c->is_one = webhook != NULL;
    const struct webhook *first = webhook != NULL ? webhook : next_chosen(call, wish, 0);
    json_write_object(&call->json);
    json_write_name(&call->json, "first");
    json_write_array(&call->json);
    if (first == NULL) {
        count_end(c, false);
        return;
    }
    c->number = first->number;
    dispatch_replay_count(call->admin->env.dispatch, c->number, &c->wish.order, on_counted, c);
}

// ---- start -------------------------------------------------------------------------------------

static void start(struct api_call *call, const struct wish *wish, const struct webhook *webhook)
{
    enum err err = dispatch_replay_start(call->admin->env.dispatch, webhook->number, &wish->order,
                                         span_of(call->by));
    if (err == ERR_CONFLICT)
        api_refuse(call, PROBLEM_CONFLICT,
                   "a replay to this webhook is under way: wait for it, or cancel it");
    else if (err == ERR_DENIED)
        api_refuse(call, PROBLEM_CONFLICT, "the webhook is inactive: enable it first");
    else if (err != OK)
        api_refuse_err(call, err);
    else
        answer(call, webhook, 202);
}

void api_replays_start(struct api_call *call)
{
    struct wish wish = {.may_choose = false};
    const struct webhook *webhook = api_webhook(call);
    if (webhook == NULL || !read_wish(call, &wish))
        return;
    if (wish.is_dry_run)
        count(call, &wish, webhook);
    else
        start(call, &wish, webhook);
}

static void start_all(struct api_call *call, const struct wish *wish)
{
    const struct webhook *webhook = NULL;
    int64_t started = 0;
    int64_t busy = 0;
    for (uint32_t at = 0; (webhook = next_chosen(call, wish, at)) != NULL; at = webhook->number) {
        enum err err = dispatch_replay_start(call->admin->env.dispatch, webhook->number,
                                             &wish->order, span_of(call->by));
        started += err == OK;
        busy += err == ERR_CONFLICT;
    }
    json_write_object(&call->json);
    json_write_member_int(&call->json, "started", started);
    json_write_member_int(&call->json, "busy", busy);
    json_write_end_object(&call->json);
    api_send(call, 202);
}

void api_deliveries_retry_many(struct api_call *call)
{
    struct wish wish = {.may_choose = true};
    if (!read_wish(call, &wish))
        return;
    if (wish.is_dry_run)
        count(call, &wish, wish.webhook);
    else if (wish.webhook != NULL)
        start(call, &wish, wish.webhook);
    else
        start_all(call, &wish);
}

// ---- pause, resume, cancel ---------------------------------------------------------------------

static void change(struct api_call *call, enum replay_change change)
{
    const struct webhook *webhook = api_webhook(call);
    if (webhook == NULL)
        return;
    if (dispatch_replay_change(call->admin->env.dispatch, webhook->number, change,
                               span_of(call->by)) == OK)
        answer(call, webhook, 200);
    else
        api_refuse(call, PROBLEM_CONFLICT, "no replay to this webhook is under way");
}

void api_replays_pause(struct api_call *call)
{
    change(call, REPLAY_PAUSE);
}

void api_replays_resume(struct api_call *call)
{
    change(call, REPLAY_RESUME);
}

void api_replays_cancel(struct api_call *call)
{
    change(call, REPLAY_CANCEL);
}

// ---- one event ---------------------------------------------------------------------------------

static void on_event_made(void *context, enum err err)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    if (err == ERR_CONFLICT) {
        api_refuse(call, PROBLEM_CONFLICT, "it is being sent, or waits for its turn, right now");
    } else if (err == ERR_FULL) {
        api_refuse(call, PROBLEM_CONFLICT,
                   "the event has %d deliveries, which is as many as it may have",
                   DELIVERY_MAX_WEBHOOKS);
    } else if (err != OK) {
        api_refuse_err(call, err);
    } else {
        json_write_object(&call->json);
        json_write_member_text(&call->json, "state", delivery_state_name(DELIVERY_PENDING));
        json_write_member_text(&call->json, "reason", "a replay was asked for; it is due now");
        json_write_end_object(&call->json);
        api_send(call, 202);
    }
}

static enum err read_event(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    return query->event(conn, r->seq, &r->event);
}

static void on_event(struct reading *r)
{
    struct api_call *call = r->call;
    const struct webhook *webhook =
        dispatch_webhook(call->admin->env.dispatch, (const struct uid *)call->context);
    if (r->err == OK && !uid_eq(&r->event->id, &r->uid))
        r->err = ERR_NOT_FOUND;
    if (r->err != OK)
        api_refuse_err(call, r->err);
    else if (webhook == NULL || !webhook->is_active)
        api_refuse(call, PROBLEM_CONFLICT, "the webhook is inactive: enable it first");
    else if (!span_eq(r->event->tenant, webhook->tenant))
        api_refuse(call, PROBLEM_CONFLICT,
                   "the event is of tenant \"%.*s\", the webhook of \"%.*s\"",
                   SPAN_ARGS(r->event->tenant), SPAN_ARGS(webhook->tenant));
    else
        dispatch_retry(call->admin->env.dispatch, delivery_id(r->seq, 0), webhook->number,
                       on_event_made, call);
}

// {"webhook": "UUID"}; NULL: the call has been refused.
static const struct webhook *read_receiver(struct api_call *call)
{
    struct json_doc doc;
    struct json_error error;
    struct uid uuid;
    const struct webhook *webhook = NULL;
    json_init(&doc);
    bool is_json = json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error) == OK;
    uint32_t value = is_json ? json_get(&doc, 0, SPAN("webhook")) : JSON_NONE;
    bool is_uuid = value != JSON_NONE && doc.nodes[0].count == 1 &&
                   json_type(&doc, value) == JSON_STRING &&
                   uid_parse(json_inside(&doc, value), &uuid);
    if (is_uuid)
        webhook = dispatch_webhook(call->admin->env.dispatch, &uuid);
    json_deinit(&doc);
    if (!is_json)
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    else if (!is_uuid)
        api_refuse(call, PROBLEM_INVALID, "the body must be {\"webhook\": \"UUID\"}");
    else if (webhook == NULL)
        api_refuse(call, PROBLEM_NOT_FOUND, "there is no such webhook");
    return webhook;
}

void api_events_replay(struct api_call *call)
{
    const struct webhook *webhook = read_receiver(call);
    if (webhook == NULL)
        return;
    struct uid *uuid = arena_zalloc(&call->arena, sizeof *uuid);
    *uuid = webhook->uuid;
    call->context = uuid;
    struct reading *r = reading_new(call);
    if (uid_parse(call->id, &r->uid) && eventid_open(call->admin->env.id_key, &r->uid, &r->seq)) {
        reading_run(r, read_event, on_event);
        return;
    }
    reading_free(r);
    api_refuse(call, PROBLEM_NOT_FOUND, "no event %.*s", SPAN_ARGS(call->id));
}
