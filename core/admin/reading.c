// SPDX-License-Identifier: MIT
// Reading from the store for a call: the round to the reader thread and back; main only.
#include "admin/reading.h"

#include <string.h>

#include "base/date.h"
#include "base/mem.h"

#define RESULT_BYTES (256 * 1024 * 1024) // the reader's limits end it long before

struct reading *reading_new(struct api_call *call)
{
    struct reading *r = xcalloc(1, sizeof *r);
    r->call = call;
    arena_init(&r->arena, RESULT_BYTES);
    r->filter.arena = &r->arena;
    return r;
}

void reading_free(struct reading *r)
{
    event_unref(r->event);
    query_events_deinit(&r->events);
    query_deliveries_deinit(&r->deliveries);
    if (r->has_row)
        query_delivery_deinit(&r->row);
    arena_deinit(&r->arena);
    xfree(r);
}

static void on_read(struct store_op *op)
{
    struct reading *r = op->context;
    r->err = op->err;
    r->on_done(r);
    reading_free(r);
}

void reading_run(struct reading *r,
                 enum err (*read)(const struct query *query, struct query_conn *conn,
                                  void *context),
                 void (*on_done)(struct reading *r))
{
    r->on_done = on_done;
    store_op_init(&r->op.op, STORE_READ, on_read, r);
    r->op.read = read;
    store_submit(r->call->admin->env.store, &r->op.op);
}

// ---- arguments ---------------------------------------------------------------------------------

bool reading_read_page(struct reading *r, reading_open_fn *open)
{
    uint64_t number = 0;
    if (!api_page(r->call, &r->page))
        return false;
    r->filter.limit = r->page.limit;
    if (!r->page.has_cursor)
        return true;
    if (!open(r->call->admin->env.id_key, &r->page.at, &number)) {
        api_refuse(r->call, PROBLEM_INVALID, "the cursor is none that this server gave");
        return false;
    }
    if (r->page.is_back)
        r->filter.after = number;
    else
        r->filter.before = number;
    return true;
}

static void read_time(struct problems *problems, const char *name, const char *text, int64_t *out)
{
    if (text != NULL && !date_parse_ms(span_of(text), out))
        problem_add(problems, name, "must be an RFC 3339 time with a zone");
}

static void read_states(struct problems *problems, const char *text, uint32_t *out)
{
    struct span rest = span_of(text);
    struct span part;
    enum delivery_state state;
    while (text != NULL && span_split(&rest, ',', &part)) {
        if (delivery_state_parse(part, &state))
            *out |= 1u << state;
        else
            problem_add(problems, "state",
                        "must be some of pending, claimed, running, delivered, filtered, dead, "
                        "cancelled");
    }
}

static void read_numbers(struct problems *problems, const struct http_request *request,
                         struct query_filter *filter)
{
    const char *status = http_query(request, "status");
    const char *outcome = http_query(request, "outcome");
    int64_t number = 0;
    if (status != NULL &&
        (!span_to_int64(span_of(status), &number) || number < 100 || number > 599))
        problem_add(problems, "status", "must be an HTTP status from 100 to 599");
    filter->status = (int)number;
    if (outcome != NULL && !outcome_parse(span_of(outcome), &filter->outcome))
        problem_add(problems, "outcome", "is no outcome");
}

static void read_objects(struct reading *r, struct problems *problems)
{
    const struct http_request *request = r->call->request;
    const char *webhook = http_query(request, "webhook");
    struct uid uid;
    if (webhook == NULL)
        return;
    struct webhook *found = uid_parse(span_of(webhook), &uid)
                                ? dispatch_webhook(r->call->admin->env.dispatch, &uid)
                                : NULL;
    if (found == NULL)
        problem_add(problems, "webhook", "no such webhook");
    else
        r->filter.webhook = found->number;
}

bool reading_read_filter(struct reading *r)
{
    const struct http_request *request = r->call->request;
    const char *name = http_query(request, "event_name");
    struct problems problems;
    problems_init(&problems);
    read_time(&problems, "since", http_query(request, "since"), &r->filter.since_ms);
    read_time(&problems, "until", http_query(request, "until"), &r->filter.until_ms);
    read_states(&problems, http_query(request, "state"), &r->filter.states);
    read_numbers(&problems, request, &r->filter);
    read_objects(r, &problems);
    r->filter.event_name = arena_copy(&r->arena, span_of(name));
    r->filter.tenant = arena_copy(&r->arena, span_of(http_query(request, "tenant")));
    bool is_good = problems.count == 0;
    if (!is_good)
        api_refuse_fields(r->call, &problems);
    problems_deinit(&problems);
    return is_good;
}

// ---- cursors -----------------------------------------------------------------------------------

void reading_write_cursors(struct reading *r, const struct reading_ends *ends,
                           reading_make_fn *make)
{
    const struct eventid_key *key = r->call->admin->env.id_key;
    // A cursor carries the number alone: its milliseconds say nothing.
    struct uid first = make(key, 0, ends->first);
    struct uid last = make(key, 0, ends->scanned_to != 0 ? ends->scanned_to : ends->last);
    bool has_older =
        ends->scanned_to != 0 || (ends->count > 0 && (r->page.is_back || ends->has_more));
    bool has_newer = ends->count > 0 && r->page.has_cursor && (!r->page.is_back || ends->has_more);
    api_write_cursors(r->call, has_older ? &last : NULL, has_newer ? &first : NULL);
    json_write_member_bool(&r->call->json, "scan_stopped", ends->scanned_to != 0);
}
