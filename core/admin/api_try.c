// SPDX-License-Identifier: MIT
// POST /api/v1/scripts/{name}/try: runs a script against events and sends nothing; main only, reading
// on the reader thread. (admin.md; lua.md, Trying before trusting)
#include <string.h>

#include "admin/api.h"
#include "admin/trial.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/eventid.h"
#include "dispatch/figures.h"
#include "script/library.h"

#define MAX_NAME      64 // bytes of a script's name
#define DEFAULT_COUNT 20 // of events, when nothing is said

#define TRYING_MAGIC  0x54525947u
struct trying {
    uint32_t magic;
    struct store_read op;
    struct api_call *call;
    struct trial *trial; // owned
    struct json_doc doc; // of the request's body
    struct problems problems;
    struct span name, pin;   // of the script; in the call's arena
    struct span source;      // "" and NULL: a version
    struct span options;     // JSON object; empty: none
    struct span tenant;      // for the webhook that stands in; empty: default
    struct webhook *webhook; // one reference, as it is now; NULL: none was named
    bool is_alone, has_event_id;
    uint64_t seq; // of the event by id
    uint32_t last;
    // The reader's.
    struct query_deliveries deliveries;
    struct query_delivery row;
    bool has_row;
    struct event *event; // one reference
};

// Forward, in firing order.
static enum err read_events(const struct query *query, struct query_conn *conn, void *context);
static void on_read(struct store_op *op);
static void on_draft(void *context, const struct script_draft_outcome *outcome);
static void on_done(struct trial *trial);

static void trying_free(struct trying *t)
{
    event_unref(t->event);
    query_deliveries_deinit(&t->deliveries);
    if (t->has_row)
        query_delivery_deinit(&t->row);
    webhook_unref(t->webhook);
    trial_free(t->trial);
    problems_deinit(&t->problems);
    json_deinit(&t->doc);
    t->magic = 0;
    xfree(t);
}

// Ends the call with what is wrong.
static void refuse(struct trying *t)
{
    struct api_call *call = t->call;
    api_refuse_fields(call, &t->problems);
    trying_free(t);
}

// ---- the question ------------------------------------------------------------------------------

static struct span text_of(struct trying *t, uint32_t node)
{
    char *text = arena_alloc(&t->call->arena, json_inside(&t->doc, node).len + 1);
    return span_make(text, json_decode_string(&t->doc, node, text));
}

static bool is_string(struct trying *t, const char *field, uint32_t value)
{
    if (json_type(&t->doc, value) == JSON_STRING)
        return true;
    problem_add(&t->problems, field, "must be a string");
    return false;
}

static void take_webhook(struct trying *t, const char *field, uint32_t value)
{
    struct uid uuid;
    struct webhook *found = NULL;
    if (!is_string(t, field, value))
        return;
    if (uid_parse(text_of(t, value), &uuid))
        found = dispatch_webhook(t->call->admin->env.dispatch, &uuid);
    if (found == NULL)
        problem_add(&t->problems, field, "no such webhook");
    else
        t->webhook = webhook_ref(found);
}

static void take_options(struct trying *t, const char *field, uint32_t value)
{
    if (json_type(&t->doc, value) != JSON_OBJECT)
        problem_add(&t->problems, field, "must be an object");
    else
        t->options = json_raw(&t->doc, value);
}

static void take_source(struct trying *t, const char *field, uint32_t value)
{
    if (!is_string(t, field, value))
        return;
    t->source = text_of(t, value);
    if (t->source.len > LIBRARY_MAX_SOURCE)
        problem_add(&t->problems, field, "a script is at most %d KiB", LIBRARY_MAX_SOURCE / 1024);
}

static void take_tenant(struct trying *t, const char *field, uint32_t value)
{
    if (!is_string(t, field, value))
        return;
    t->tenant = text_of(t, value);
    if (!dispatch_tenant_exists(t->call->admin->env.dispatch, t->tenant))
        problem_add(&t->problems, field, "no such tenant");
}

static void take_alone(struct trying *t, const char *field, uint32_t value)
{
    t->is_alone = json_type(&t->doc, value) == JSON_TRUE;
    if (!t->is_alone && json_type(&t->doc, value) != JSON_FALSE)
        problem_add(&t->problems, field, "must be true or false");
}

static void take_last(struct trying *t, const char *field, uint32_t value)
{
    int64_t count = 0;
    if (json_type(&t->doc, value) != JSON_NUMBER || !json_to_int64(&t->doc, value, &count) ||
        count < 1 || count > TRIAL_MAX_EVENTS)
        problem_add(&t->problems, field, "must be from 1 to %d", TRIAL_MAX_EVENTS);
    else
        t->last = (uint32_t)count;
}

static void take_event_id(struct trying *t, const char *field, uint32_t value)
{
    struct uid uid;
    if (!is_string(t, field, value))
        return;
    t->has_event_id = uid_parse(text_of(t, value), &uid) &&
                      eventid_open(t->call->admin->env.id_key, &uid, &t->seq);
    if (!t->has_event_id)
        problem_add(&t->problems, field, "no such event");
}

// One event of the wire, with the id that golden tests have.
static void take_event(struct trying *t, const char *field, uint32_t value)
{
    struct wire_producer producer = {t->call->request->peer.uid, t->call->request->peer.pid};
    struct wire_rules rules = {0};
    struct wire_reply reply;
    struct wire *wire = wire_new(&rules);
    if (wire_decode(wire, json_raw(&t->doc, value), &producer, &t->event, &reply) != OK) {
        problem_add(&t->problems, field, "%s: %s", wire_code_name(reply.code), reply.message);
    } else {
        (void)uid_parse(SPAN("00000000-0000-7000-8000-000000000000"), &t->event->id);
        t->event->accepted_ms = clock_wall_ms();
        if (t->event->time_ms == 0)
            t->event->time_ms = t->event->accepted_ms;
    }
    wire_free(wire);
}

static void take_response(struct trying *t, const char *field, uint32_t value)
{
    (void)field;
    (void)trial_read_answer(t->trial, &t->doc, value, &t->problems);
}

static const struct {
    const char *name;
    void (*take)(struct trying *t, const char *field, uint32_t value);
} fields[] = {
    {"source", take_source},     {"options", take_options}, {"webhook", take_webhook},
    {"tenant", take_tenant},     {"alone", take_alone},     {"event", take_event},
    {"event_id", take_event_id}, {"last", take_last},       {"response", take_response},
};

static void take_member(struct trying *t, uint32_t name, uint32_t value)
{
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (!json_string_is(&t->doc, name, span_of(fields[i].name)))
            continue;
        fields[i].take(t, fields[i].name, value);
        return;
    }
    struct errmsg field;
    errmsg_set(&field, "%.*s", SPAN_ARGS(text_of(t, name)));
    problem_add(&t->problems, field.text,
                "is no field of a trial: those are source, options, webhook, tenant, alone, event, "
                "event_id, last and response");
}

static void check_question(struct trying *t)
{
    int events = (t->event != NULL) + t->has_event_id + (t->last > 0);
    if (events == 0 && t->webhook != NULL)
        t->last = DEFAULT_COUNT;
    else if (events == 0)
        problem_add(&t->problems, "event", "give an event, an event_id, or a webhook");
    if (events > 1)
        problem_add(&t->problems, "event", "give one of event, event_id and last");
    if (t->last > 0 && t->webhook == NULL)
        problem_add(&t->problems, "last", "needs a webhook: whose events?");
    if (t->webhook != NULL && t->tenant.len > 0 && !span_eq(t->tenant, t->webhook->tenant))
        problem_add(&t->problems, "tenant", "the webhook is another tenant's");
    if (t->event != NULL && t->webhook != NULL && t->event->tenant.len > 0 &&
        !span_eq(t->event->tenant, t->webhook->tenant) && !span_is(t->event->tenant, "default"))
        problem_add(&t->problems, "event", "its tenant is not the webhook's");
    if (t->source.at != NULL && t->pin.len > 0)
        problem_add(&t->problems, "source", "a version cannot be given with a source");
}

// "slack" or "slack@1a2b3c4d".
static bool take_name(struct trying *t)
{
    struct span name = arena_copy(&t->call->arena, t->call->id);
    const char *at = memchr(name.at, '@', name.len);
    t->name = at != NULL ? span_make(name.at, (size_t)(at - name.at)) : name;
    if (at != NULL)
        t->pin = span_make(at + 1, name.len - t->name.len - 1);
    bool is_good = t->name.len > 0 && t->name.len <= MAX_NAME && t->name.at[0] != '-' &&
                   (at == NULL || t->pin.len >= LIBRARY_MIN_PIN);
    for (size_t i = 0; i < t->name.len && is_good; i++) {
        char c = t->name.at[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    }
    return is_good;
}

static bool read_question(struct trying *t)
{
    uint32_t at = 1;
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    if (!take_name(t))
        problem_add(&t->problems, "script",
                    "a name is at most %d of a-z 0-9 -, then perhaps @ and at least %d digits of a "
                    "version",
                    MAX_NAME, LIBRARY_MIN_PIN);
    if (json_type(&t->doc, 0) != JSON_OBJECT)
        problem_add(&t->problems, "", "the body must be an object");
    else
        while (json_next_member(&t->doc, 0, &at, &name, &value))
            take_member(t, name, value);
    if (t->problems.count == 0)
        check_question(t);
    return t->problems.count == 0;
}

void api_scripts_try(struct api_call *call)
{
    struct trying *t = xcalloc(1, sizeof *t);
    struct json_error error;
    t->magic = TRYING_MAGIC;
    t->call = call;
    t->trial = trial_new(call->admin->env.script);
    t->trial->guard = call->admin->env.guard;
    problems_init(&t->problems);
    json_init(&t->doc);
    if (json_parse(&t->doc, buf_span(&call->request->body), JSON_MAX_DEPTH + 2, &error) != OK) {
        trying_free(t);
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
        return;
    }
    if (!read_question(t)) {
        refuse(t);
        return;
    }
    if (t->source.at != NULL && call->role < ROLE_ADMIN) {
        trying_free(t);
        api_refuse(call, PROBLEM_FORBIDDEN,
                   "a source that is not saved sees the secrets of the webhook: an administrator "
                   "may try it; scripts that are saved may be tried by operators");
        return;
    }
    store_op_init(&t->op.op, STORE_READ, on_read, t);
    t->op.read = read_events;
    store_submit(call->admin->env.store, &t->op.op);
}

// ---- reading (reader thread) -------------------------------------------------------------------

static enum err read_one(struct trying *t, const struct query *query, struct query_conn *conn)
{
    enum err err = query->event(conn, t->seq, &t->event);
    if (err != OK || t->webhook == NULL)
        return err;
    for (uint32_t i = 0; i < t->event->webhook_count; i++) {
        if (t->event->webhooks[i] != t->webhook->number)
            continue;
        err = query->delivery(conn, delivery_id(t->seq, i), &t->trial->arena, &t->row);
        t->has_row = err == OK;
        return err == ERR_NOT_FOUND ? OK : err;
    }
    return OK;
}

static void add_event(struct trying *t, struct event *event, const struct query_delivery *row)
{
    struct trial *trial = t->trial;
    struct trial_event *te = &trial->events[trial->event_count++];
    te->event = event_ref(event);
    if (row == NULL || row->attempt_count == 0)
        return;
    te->has_record = true;
    te->delivery = row->id;
    te->record = row->attempts[row->attempt_count - 1];
}

struct revisions {
    struct trial *trial;
};

// Keeps the text of the revisions that are on record; parsed on main.
static void on_revision(void *context, const struct object *object)
{
    struct revisions *r = context;
    struct webhook_rules rules = {.is_stored = true};
    for (size_t i = 0; i < r->trial->event_count; i++) {
        struct trial_event *te = &r->trial->events[i];
        struct problems problems;
        if (!te->has_record || te->sent_by != NULL || te->record.revision != object->revision ||
            object->is_deleted)
            continue;
        problems_init(&problems);
        if (webhook_parse(&te->sent_by, object->body, &rules, &problems) != OK)
            te->sent_by = NULL;
        problems_deinit(&problems);
    }
}

static enum err read_events(const struct query *query, struct query_conn *conn, void *context)
{
    struct trying *t = context;
    struct trial *trial = t->trial;
    struct query_filter filter = {.arena = &trial->arena, .limit = t->last};
    enum err err = OK;
    trial->events = arena_zalloc(&trial->arena, TRIAL_MAX_EVENTS * sizeof *trial->events);
    if (t->has_event_id) {
        err = read_one(t, query, conn);
    } else if (t->last > 0) {
        filter.webhook = t->webhook->number;
        err = query->deliveries(conn, &filter, &t->deliveries);
    }
    if (err != OK)
        return err;
    if (t->event != NULL)
        add_event(t, t->event, t->has_row ? &t->row : NULL);
    for (size_t i = 0; i < t->deliveries.count; i++)
        add_event(t, t->deliveries.rows[i].event, &t->deliveries.rows[i]);
    struct revisions revisions = {trial};
    if (t->webhook != NULL)
        err = query->revisions(conn, OBJECT_WEBHOOK, t->webhook->number, on_revision, &revisions);
    return err;
}

// ---- running (main) ----------------------------------------------------------------------------

// The engine is about to stop: it waits for calls.
static bool must_stop(struct trial *trial)
{
    struct trying *t;
    struct dispatch_stats stats;
    CAST(t, trial->context, TRYING_MAGIC);
    dispatch_stats(t->call->admin->env.dispatch, &stats);
    return stats.is_draining;
}

static void start(struct trying *t)
{
    struct trial *trial = t->trial;
    struct api_call *call = t->call;
    struct span tenant = t->tenant;
    if (tenant.len == 0 && trial->event_count > 0)
        tenant = trial->events[0].event->tenant;
    struct webhook *from = t->webhook != NULL
                               ? webhook_ref(t->webhook)
                               : trial_default_webhook(tenant, t->name, t->options, &t->problems);
    if (from == NULL) {
        refuse(t);
        return;
    }
    trial->webhook = trial_webhook(from, t->name, t->pin, t->options, t->is_alone);
    webhook_unref(from);
    if (trial->webhook == NULL) {
        problem_add(&t->problems, "webhook", "has %d scripts already: try it alone",
                    WEBHOOK_MAX_SCRIPTS);
        refuse(t);
        return;
    }
    trial->env = dispatch_tenant_env(call->admin->env.dispatch, trial->webhook->tenant);
    trial->json = &call->json;
    trial->context = t;
    trial->on_done = on_done;
    trial->must_stop = must_stop;
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    json_write_array(&call->json);
    trial_run(trial);
}

// Deliveries that the reader gave lose their event when its page goes: the trial has its own.
static void name_deliveries(struct trying *t)
{
    for (size_t i = 0; i < t->trial->event_count; i++) {
        struct trial_event *te = &t->trial->events[i];
        if (te->has_record)
            te->delivery_uid = eventid_make_delivery(t->call->admin->env.id_key,
                                                     te->event->accepted_ms, te->delivery);
    }
}

static bool is_another_tenants(const struct trying *t)
{
    for (size_t i = 0; i < t->trial->event_count && t->has_event_id; i++) {
        struct span tenant = t->trial->events[i].event->tenant;
        if (t->webhook != NULL && !span_eq(tenant, t->webhook->tenant))
            return true;
    }
    return false;
}

static void on_read(struct store_op *op)
{
    struct trying *t;
    CAST(t, op->context, TRYING_MAGIC);
    struct api_call *call = t->call;
    enum err err = op->err;
    if (err != OK) {
        trying_free(t);
        if (err == ERR_NOT_FOUND)
            api_refuse(call, PROBLEM_NOT_FOUND, "no such event");
        else
            api_refuse_err(call, err);
        return;
    }
    name_deliveries(t);
    if (is_another_tenants(t)) {
        problem_add(&t->problems, "event_id", "the event is another tenant's than the webhook");
        refuse(t);
    } else if (t->source.at != NULL) {
        script_draft_check(call->admin->env.script, t->name, t->source, on_draft, t);
    } else {
        start(t);
    }
}

static void on_draft(void *context, const struct script_draft_outcome *outcome)
{
    struct trying *t;
    CAST(t, context, TRYING_MAGIC);
    t->trial->draft = outcome->draft;
    if (outcome->draft == NULL) {
        problem_add(&t->problems, "source", "%.*s", SPAN_ARGS(outcome->reason));
        refuse(t);
        return;
    }
    // Tests that fail are no reason not to try, but worth knowing.
    t->trial->tests = arena_copy(&t->trial->arena, outcome->results);
    start(t);
}

static void on_done(struct trial *trial)
{
    struct trying *t;
    CAST(t, trial->context, TRYING_MAGIC);
    struct api_call *call = t->call;
    if (trial->problems.count > 0) {
        api_refuse_fields(call, &trial->problems);
    } else {
        json_write_end_array(&call->json);
        json_write_name(&call->json, "summary");
        trial_write_sums(trial, &call->json);
        json_write_member_raw(&call->json, "tests", trial->tests);
        json_write_end_object(&call->json);
        api_send(call, 200);
    }
    trying_free(t);
}
