// SPDX-License-Identifier: MIT
// /api/v1/deliveries: list, read, retry; main only, reading on the reader thread.
#include "admin/api.h"
#include "admin/reading.h"
#include "base/mem.h"

static enum err read_deliveries(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    return query->deliveries(conn, &r->filter, &r->deliveries);
}

static void on_deliveries(struct reading *r)
{
    struct api_call *call = r->call;
    size_t count = r->deliveries.count;
    if (r->err != OK) {
        api_refuse_err(call, r->err);
        return;
    }
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    json_write_array(&call->json);
    for (size_t i = 0; i < count; i++)
        api_write_delivery(call, &r->deliveries.rows[i]);
    json_write_end_array(&call->json);
    struct reading_ends ends = {.count = count,
                                .first = count > 0 ? r->deliveries.rows[0].id : 0,
                                .last = count > 0 ? r->deliveries.rows[count - 1].id : 0,
                                .has_more = r->deliveries.has_more,
                                .scanned_to = r->deliveries.scanned_to};
    reading_write_cursors(r, &ends, eventid_make_delivery);
    json_write_end_object(&call->json);
    api_send(call, 200);
}

// `event` is an id; a name is `event_name`.
static bool read_event_argument(struct reading *r)
{
    const char *event = http_query(r->call->request, "event");
    if (event == NULL)
        return true;
    if (uid_parse(span_of(event), &r->uid) &&
        eventid_open(r->call->admin->env.id_key, &r->uid, &r->filter.seq))
        return true;
    struct problems problems;
    problems_init(&problems);
    problem_add(&problems, "event", "no such event (an event's name is event_name)");
    api_refuse_fields(r->call, &problems);
    problems_deinit(&problems);
    return false;
}

void api_deliveries_list(struct api_call *call)
{
    static const char *const names[] = {"limit",   "cursor", "event",   "event_name",
                                        "webhook", "state",  "outcome", "status",
                                        "since",   "until",  "tenant"};
    struct reading *r = reading_new(call);
    if (!api_only(call, names, COUNT_OF(names)) || !reading_read_page(r, eventid_open_delivery) ||
        !reading_read_filter(r) || !read_event_argument(r)) {
        reading_free(r);
        return;
    }
    reading_run(r, read_deliveries, on_deliveries);
}

// ---- one ---------------------------------------------------------------------------------------

static enum err read_delivery(const struct query *query, struct query_conn *conn, void *context)
{
    struct reading *r = context;
    enum err err = query->delivery(conn, r->delivery, &r->arena, &r->row);
    r->has_row = err == OK;
    return err;
}

// An id has few check bits: the whole of it must be the one that this delivery has.
static bool is_its_id(const struct reading *r)
{
    struct uid id =
        eventid_make_delivery(r->call->admin->env.id_key, r->row.event->accepted_ms, r->row.id);
    return uid_eq(&id, &r->uid);
}

static void on_delivery_read(struct reading *r)
{
    void (*on_row)(struct api_call * call, const struct query_delivery *row) = r->on_row;
    if (r->err == OK && !is_its_id(r))
        r->err = ERR_NOT_FOUND;
    if (r->err != OK)
        api_refuse_err(r->call, r->err);
    else
        on_row(r->call, &r->row);
}

void reading_one_delivery(struct api_call *call,
                          void (*on_row)(struct api_call *call, const struct query_delivery *row))
{
    struct reading *r = reading_new(call);
    r->on_row = on_row;
    if (uid_parse(call->id, &r->uid) &&
        eventid_open_delivery(call->admin->env.id_key, &r->uid, &r->delivery)) {
        reading_run(r, read_delivery, on_delivery_read);
        return;
    }
    reading_free(r);
    api_refuse(call, PROBLEM_NOT_FOUND, "no delivery %.*s", SPAN_ARGS(call->id));
}

static void show(struct api_call *call, const struct query_delivery *row)
{
    api_write_delivery(call, row);
    api_send(call, 200);
}

void api_deliveries_read(struct api_call *call)
{
    reading_one_delivery(call, show);
}

// ---- retry -------------------------------------------------------------------------------------

static void on_retried(void *context, enum err err)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    if (err == ERR_CONFLICT) {
        api_refuse(call, PROBLEM_CONFLICT, "it is being sent, or waits for its turn, right now");
    } else if (err != OK) {
        api_refuse_err(call, err);
    } else {
        json_write_object(&call->json);
        json_write_member_text(&call->json, "state", delivery_state_name(DELIVERY_PENDING));
        json_write_member_text(&call->json, "reason", "a retry was asked for; it is due now");
        json_write_end_object(&call->json);
        api_send(call, 202);
    }
}

static void retry(struct api_call *call, const struct query_delivery *row)
{
    struct dispatch *dispatch = call->admin->env.dispatch;
    const struct webhook *webhook = dispatch_webhook_by_number(dispatch, row->webhook);
    if (webhook == NULL || dispatch_webhook(dispatch, &webhook->uuid) == NULL)
        api_refuse(call, PROBLEM_CONFLICT, "its webhook was deleted");
    else if (!webhook->is_active)
        api_refuse(call, PROBLEM_CONFLICT,
                   "its webhook is inactive: enable it first (grapnel webhooks enable)");
    else
        dispatch_retry(dispatch, row->id, 0, on_retried, call);
}

void api_deliveries_retry(struct api_call *call)
{
    reading_one_delivery(call, retry);
}
