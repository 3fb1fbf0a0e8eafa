// SPDX-License-Identifier: MIT
// /api/v1/events: publish, list, read; main only, reading on the reader thread.
#include <string.h>

#include "admin/api.h"
#include "admin/reading.h"
#include "base/date.h"
#include "base/mem.h"
#include "crypto/eventid.h"
#include "model/event.h"

// ---- publish -----------------------------------------------------------------------------------

// One event, or an array: answers may come in any order, the reply keeps the request's.
#define PUBLISH_MAX 1000
struct publishing {
    struct api_call *call;
    bool is_array;
    size_t count, waiting;
    struct publish_slot {
        struct publishing *publishing;
        struct wire_reply reply;
    } * slots; // owned
};

static void finish(struct publishing *p)
{
    struct api_call *call = p->call;
    if (p->is_array) {
        (void)buf_append_char(&call->request->answer, '[');
        for (size_t i = 0; i < p->count; i++) {
            if (i > 0)
                (void)buf_append_char(&call->request->answer, ',');
            wire_print(&p->slots[i].reply, &call->request->answer);
        }
        (void)buf_append_char(&call->request->answer, ']');
        api_send(call, 200);
    } else if (p->slots[0].reply.code != WIRE_OK) {
        api_refuse_wire(call, &p->slots[0].reply);
    } else {
        wire_print(&p->slots[0].reply, &call->request->answer);
        api_send(call, p->slots[0].reply.is_duplicate ? 200 : 201);
    }
    xfree(p->slots);
    xfree(p);
}

static void on_answer(void *token, const struct wire_reply *reply)
{
    struct publish_slot *slot = token;
    struct publishing *p = slot->publishing;
    slot->reply.code = reply->code;
    memcpy(slot->reply.message, reply->message, sizeof slot->reply.message);
    slot->reply.retry_ms = reply->retry_ms;
    slot->reply.id = reply->id;
    slot->reply.deliveries = reply->deliveries;
    slot->reply.is_duplicate = reply->is_duplicate;
    if (--p->waiting == 0)
        finish(p);
}

static void publish(struct publishing *p, struct wire *wire, struct span line, size_t index)
{
    const struct http_peer *peer = &p->call->request->peer;
    struct dispatch *dispatch = p->call->admin->env.dispatch;
    struct wire_producer producer = {peer->uid, peer->pid};
    struct publish_slot *slot = &p->slots[index];
    struct event *event = NULL;
    slot->publishing = p;
    if (wire_decode(wire, line, &producer, &event, &slot->reply) == OK &&
        dispatch_may_write(dispatch, event->tenant, UINT32_MAX, &slot->reply)) {
        dispatch_accept(dispatch, &event, on_answer, slot);
        return;
    }
    event_unref(event);
    if (--p->waiting == 0)
        finish(p);
}

// `waiting` is held up by one, so that early answers do not finish it.
static void publish_all(struct publishing *p, const struct json_doc *doc)
{
    const struct config_list *events = &p->call->admin->env.config->events;
    struct wire_rules rules = {.known_events = events->count > 0 ? events->items : NULL,
                               .known_event_count = events->count};
    struct wire *wire = wire_new(&rules);
    uint32_t at = 1;
    uint32_t element;
    size_t index = 0;
    if (!p->is_array)
        publish(p, wire, json_raw(doc, 0), 0);
    while (p->is_array && json_next_element(doc, 0, &at, &element))
        publish(p, wire, json_raw(doc, element), index++);
    wire_free(wire);
    if (--p->waiting == 0)
        finish(p);
}

void api_events_publish(struct api_call *call)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    if (json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH + 1, &error) != OK) {
        struct wire_reply reply = {.code = WIRE_BAD_JSON, .has_offset = true};
        reply.offset = error.offset;
        (void)strncpy(reply.message, error.message, sizeof reply.message - 1);
        api_refuse_wire(call, &reply);
    } else if (json_type(&doc, 0) == JSON_ARRAY && doc.nodes[0].count > PUBLISH_MAX) {
        api_refuse(call, PROBLEM_TOO_LARGE, "an array has at most %d events", PUBLISH_MAX);
    } else if (json_type(&doc, 0) == JSON_ARRAY && doc.nodes[0].count == 0) {
        (void)buf_append_text(&call->request->answer, "[]");
        api_send(call, 200);
    } else {
        struct publishing *p = xcalloc(1, sizeof *p);
        p->call = call;
        p->is_array = json_type(&doc, 0) == JSON_ARRAY;
        p->count = p->is_array ? doc.nodes[0].count : 1;
        p->waiting = p->count + 1;
        p->slots = xcalloc(p->count, sizeof *p->slots);
        publish_all(p, &doc);
    }
    json_deinit(&doc);
}

// ---- read --------------------------------------------------------------------------------------

static enum err read_event(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    return query->event(conn, r->seq, &r->event);
}

static void on_event(struct reading *r)
{
    struct api_call *call = r->call;
    if (r->err == OK && !uid_eq(&r->event->id, &r->uid))
        r->err = ERR_NOT_FOUND;
    if (r->err != OK) {
        api_refuse_err(call, r->err);
    } else {
        api_write_event(call, r->event, true);
        api_send(call, 200);
    }
}

void api_events_read(struct api_call *call)
{
    struct reading *r = reading_new(call);
    if (!uid_parse(call->id, &r->uid) || !eventid_open(call->admin->env.id_key, &r->uid, &r->seq)) {
        reading_free(r);
        api_refuse(call, PROBLEM_NOT_FOUND, "no event %.*s", SPAN_ARGS(call->id));
        return;
    }
    reading_run(r, read_event, on_event);
}

// ---- list --------------------------------------------------------------------------------------

static enum err read_events(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    return query->events(conn, &r->filter, &r->events);
}

static void on_events(struct reading *r)
{
    struct api_call *call = r->call;
    if (r->err != OK) {
        api_refuse_err(call, r->err);
        return;
    }
    size_t count = r->events.count;
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    json_write_array(&call->json);
    for (size_t i = 0; i < count; i++)
        api_write_event(call, r->events.rows[i], false);
    json_write_end_array(&call->json);
    struct reading_ends ends = {.count = count,
                                .first = count > 0 ? r->events.rows[0]->seq : 0,
                                .last = count > 0 ? r->events.rows[count - 1]->seq : 0,
                                .has_more = r->events.has_more,
                                .scanned_to = r->events.scanned_to};
    reading_write_cursors(r, &ends, eventid_make);
    json_write_end_object(&call->json);
    api_send(call, 200);
}

void api_events_list(struct api_call *call)
{
    static const char *const names[] = {"limit", "cursor", "event", "tenant", "since", "until"};
    struct reading *r = reading_new(call);
    if (!api_only(call, names, COUNT_OF(names)) || !reading_read_page(r, eventid_open) ||
        !reading_read_filter(r)) {
        reading_free(r);
        return;
    }
    reading_run(r, read_events, on_events);
}
