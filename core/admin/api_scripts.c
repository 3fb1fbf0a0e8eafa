// SPDX-License-Identifier: MIT
// /api/v1/scripts: list, read, put, versions, differences, activate, roll back, remove; main only.
#include <stdio.h>
#include <string.h>

#include "admin/api.h"
#include "base/date.h"
#include "base/line_diff.h"
#include "base/mem.h"
#include "script/library.h"
#include "script/order.h"

#define MAX_DIFF (1024 * 1024) // bytes

static struct span tenant_of(struct api_call *call)
{
    const char *tenant = http_query(call->request, "tenant");
    return tenant != NULL ? span_of(tenant) : SPAN("default");
}

static void write_time(struct json_writer *w, const char *name, int64_t at_ms)
{
    char text[DATE_TEXT_LEN];
    if (at_ms > 0)
        date_print_ms(at_ms, text);
    json_write_member_text(w, name, at_ms > 0 ? text : NULL);
}

static void write_optional(struct json_writer *w, const char *name, struct span text)
{
    if (text.len > 0)
        json_write_member_string(w, name, text);
    else
        json_write_member_text(w, name, NULL);
}

// ---- list --------------------------------------------------------------------------------------

static void write_info(struct json_writer *w, const struct script_info *info)
{
    json_write_member_string(w, "name", info->name);
    json_write_member_string(w, "version", info->version);
    json_write_member_text(w, "origin", script_origin_name(info->origin));
    write_optional(w, "tenant", info->tenant);
    write_optional(w, "waiting", info->waiting);
    write_optional(w, "activated_by", info->by);
    write_time(w, "activated_at", info->at_ms);
    json_write_member_string(w, "help", info->help);
    json_write_member_raw(w, "options", info->options.len > 0 ? info->options : SPAN("[]"));
    api_write_account(w, &info->account);
}

void api_scripts_list(struct api_call *call)
{
    static const char *const names[] = {"limit", "cursor", "tenant"};
    struct json_writer *w = &call->json;
    const struct script *script = call->admin->env.script;
    struct span tenant = tenant_of(call);
    if (!api_only(call, names, COUNT_OF(names)))
        return;
    json_write_object(w);
    json_write_name(w, "data");
    json_write_array(w);
    for (size_t i = 0; i < script_count(script); i++) {
        struct script_info info;
        struct script_info meant;
        script_info(script, i, &info);
        // What the name means for the tenant, and nothing that this hides.
        if (!script_find(script, tenant, info.name, SPAN(""), &meant) ||
            meant.version.at != info.version.at)
            continue;
        json_write_object(w);
        write_info(w, &info);
        json_write_end_object(w);
    }
    json_write_end_array(w);
    api_write_cursors(call, NULL, NULL);
    json_write_end_object(w);
    api_send(call, 200);
}

// ---- reading versions --------------------------------------------------------------------------

struct kept { // a row, kept for main
    struct span hash, by, note, source, description, tenant;
    enum script_origin origin;
    int64_t at_ms, active_ms;
    uint32_t number;
    bool is_active;
};

struct looking {
    struct store_read read;
    struct api_call *call;
    struct query_scripts wanted;
    struct span from, to; // diff: first digits
    struct kept rows[QUERY_MAX_LIMIT];
    size_t count;
    struct arena arena; // what is kept
    void (*show)(struct looking *looking);
};

// Reader thread.
static void on_row(void *context, const struct script_row *row)
{
    struct looking *l = context;
    if (l->count == COUNT_OF(l->rows))
        return;
    l->rows[l->count++] = (struct kept){
        .hash = arena_copy(&l->arena, row->hash),
        .by = arena_copy(&l->arena, row->by),
        .note = arena_copy(&l->arena, row->note),
        .source = arena_copy(&l->arena, row->source),
        .description = arena_copy(&l->arena, row->description),
        .tenant = arena_copy(&l->arena, row->place.tenant),
        .origin = row->place.origin,
        .at_ms = row->at_ms,
        .active_ms = row->active_ms,
        .number = row->number,
        .is_active = row->is_active,
    };
}

static enum err read_versions(const struct query *query, struct query_conn *conn, void *context)
{
    struct looking *l = context;
    return query->script_versions(conn, &l->wanted, on_row, l);
}

static enum err read_one(const struct query *query, struct query_conn *conn, void *context)
{
    struct looking *l = context;
    return query->script_version(conn, &l->wanted, on_row, l);
}

static enum err read_two(const struct query *query, struct query_conn *conn, void *context)
{
    struct looking *l = context;
    l->wanted.hash = l->from;
    enum err err = query->script_version(conn, &l->wanted, on_row, l);
    l->wanted.hash = l->to;
    return err == OK ? query->script_version(conn, &l->wanted, on_row, l) : err;
}

static void on_read(struct store_op *op)
{
    struct looking *l = op->context;
    struct api_call *call = l->call;
    if (op->err == ERR_NOT_FOUND)
        api_refuse(call, PROBLEM_NOT_FOUND, "there is no version %.*s of a script %.*s",
                   SPAN_ARGS(l->wanted.hash), SPAN_ARGS(l->wanted.name));
    else if (op->err != OK)
        api_refuse_err(call, op->err);
    else
        l->show(l);
    arena_deinit(&l->arena);
    xfree(l);
}

static struct looking *looking_new(struct api_call *call, void (*show)(struct looking *looking))
{
    struct looking *l = xcalloc(1, sizeof(*l));
    l->call = call;
    l->show = show;
    l->wanted = (struct query_scripts){
        .tenant = tenant_of(call), .name = call->id, .limit = QUERY_MAX_LIMIT};
    arena_init(&l->arena, 64 * 1024 * 1024);
    return l;
}

static void look(struct looking *l, enum err (*read)(const struct query *query,
                                                     struct query_conn *conn, void *context))
{
    store_op_init(&l->read.op, STORE_READ, on_read, l);
    l->read.read = read;
    store_submit(l->call->admin->env.store, &l->read.op);
}

static void write_version(struct json_writer *w, const struct kept *row)
{
    json_write_member_string(w, "version", row->hash);
    json_write_member_text(w, "origin", script_origin_name(row->origin));
    write_optional(w, "tenant", row->tenant);
    json_write_member_string(w, "by", row->by);
    write_time(w, "at", row->at_ms);
    write_optional(w, "note", row->note);
    json_write_member_bool(w, "active", row->is_active);
    write_time(w, "last_activated_at", row->active_ms);
}

static void show_versions(struct looking *l)
{
    struct json_writer *w = &l->call->json;
    if (l->count == 0 && l->wanted.before == 0) {
        api_refuse(l->call, PROBLEM_NOT_FOUND, "there is no script %.*s", SPAN_ARGS(l->call->id));
        return;
    }
    json_write_object(w);
    json_write_name(w, "data");
    json_write_array(w);
    for (size_t i = 0; i < l->count; i++) {
        json_write_object(w);
        write_version(w, &l->rows[i]);
        json_write_end_object(w);
    }
    json_write_end_array(w);
    char next[16];
    (void)snprintf(next, sizeof next, "%u", l->count > 0 ? l->rows[l->count - 1].number : 0);
    json_write_member_text(w, "next", l->count == l->wanted.limit ? next : NULL);
    json_write_member_text(w, "prev", NULL);
    json_write_end_object(w);
    api_send(l->call, 200);
}

void api_scripts_versions(struct api_call *call)
{
    static const char *const names[] = {"tenant", "limit", "cursor"};
    const char *limit = http_query(call->request, "limit");
    const char *cursor = http_query(call->request, "cursor");
    int64_t number = 50;
    int64_t before = 0;
    if (!api_only(call, names, COUNT_OF(names)))
        return;
    if ((limit != NULL && !span_to_int64(span_of(limit), &number)) || number < 1 ||
        number > QUERY_MAX_LIMIT) {
        api_refuse(call, PROBLEM_INVALID, "limit must be a whole number from 1 to 250");
        return;
    }
    if ((cursor != NULL && !span_to_int64(span_of(cursor), &before)) || before < 0 ||
        before > UINT32_MAX) {
        api_refuse(call, PROBLEM_INVALID, "the cursor is none that this server gave");
        return;
    }
    struct looking *l = looking_new(call, show_versions);
    l->wanted.limit = (uint32_t)number;
    l->wanted.before = (uint32_t)before;
    look(l, read_versions);
}

static void show_one(struct looking *l)
{
    struct json_writer *w = &l->call->json;
    const struct kept *row = &l->rows[0];
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    json_write_object(w);
    json_write_member_string(w, "name", l->call->id);
    write_version(w, row);
    if (json_parse(&doc, row->description, JSON_MAX_DEPTH, &error) == OK) {
        uint32_t help = json_get(&doc, 0, SPAN("help"));
        uint32_t options = json_get(&doc, 0, SPAN("options"));
        json_write_member_raw(w, "help", help != JSON_NONE ? json_raw(&doc, help) : SPAN("null"));
        json_write_member_raw(w, "options",
                              options != JSON_NONE ? json_raw(&doc, options) : SPAN("[]"));
    }
    json_write_member_string(w, "source", row->source);
    json_write_end_object(w);
    json_deinit(&doc);
    api_send(l->call, 200);
}

// The hash that the name means now for the tenant; false: the call has been refused.
static bool active_hash(struct api_call *call, struct span *out)
{
    struct script_info info;
    if (script_find(call->admin->env.script, tenant_of(call), call->id, SPAN(""), &info)) {
        *out = arena_copy(&call->arena, info.version);
        return true;
    }
    api_refuse(call, PROBLEM_NOT_FOUND, "there is no script %.*s", SPAN_ARGS(call->id));
    return false;
}

static bool read_hash(struct api_call *call, const char *argument, struct span *out)
{
    const char *text = http_query(call->request, argument);
    if (text == NULL)
        return active_hash(call, out);
    *out = span_of(text);
    if (out->len >= LIBRARY_MIN_PIN && out->len <= LIBRARY_HASH_LEN)
        return true;
    api_refuse(call, PROBLEM_INVALID, "%s must be %d to %d hex digits of a version", argument,
               LIBRARY_MIN_PIN, LIBRARY_HASH_LEN);
    return false;
}

void api_scripts_read(struct api_call *call)
{
    static const char *const names[] = {"tenant", "version"};
    struct span hash;
    if (!api_only(call, names, COUNT_OF(names)) || !read_hash(call, "version", &hash))
        return;
    struct looking *l = looking_new(call, show_one);
    l->wanted.hash = hash;
    look(l, read_one);
}

static void show_diff(struct looking *l)
{
    struct json_writer *w = &l->call->json;
    struct buf diff;
    buf_init(&diff, MAX_DIFF);
    line_diff(&diff, l->rows[0].source, l->rows[1].source);
    json_write_object(w);
    json_write_member_string(w, "name", l->call->id);
    json_write_member_string(w, "from", l->rows[0].hash);
    json_write_member_string(w, "to", l->rows[1].hash);
    json_write_member_string(w, "diff", buf_span(&diff));
    json_write_end_object(w);
    buf_deinit(&diff);
    api_send(l->call, 200);
}

void api_scripts_diff(struct api_call *call)
{
    static const char *const names[] = {"tenant", "from", "to"};
    struct span from;
    struct span to;
    if (!api_only(call, names, COUNT_OF(names)) || !read_hash(call, "from", &from) ||
        !read_hash(call, "to", &to))
        return;
    struct looking *l = looking_new(call, show_diff);
    l->from = from;
    l->to = to;
    look(l, read_two);
}

// ---- orders ------------------------------------------------------------------------------------

static void on_ordered(void *context, const struct ordered *ordered)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    struct json_writer *w = &call->json;
    if (ordered->problems->count > 0) {
        api_refuse_fields(call, ordered->problems);
        return;
    }
    if (ordered->err == ERR_NOT_FOUND || ordered->err == ERR_CONFLICT) {
        api_refuse(call, ordered->err == ERR_CONFLICT ? PROBLEM_CONFLICT : PROBLEM_NOT_FOUND, "%s",
                   ordered->message.text);
        return;
    }
    if (ordered->err != OK) {
        api_refuse_err(call, ordered->err);
        return;
    }
    if (ordered->version.len == 0) {
        api_send_empty(call, 204);
        return;
    }
    json_write_object(w);
    json_write_member_string(w, "name", call->id);
    json_write_member_string(w, "version", ordered->version);
    json_write_member_text(w, "origin", script_origin_name(ordered->origin));
    json_write_member_bool(w, "active", ordered->is_active);
    write_optional(w, "before", ordered->before);
    json_write_end_object(w);
    api_send(call, 200);
}

// A string member as text in the call's arena; false: a problem was added.
static bool read_text(struct api_call *call, const struct json_doc *doc, uint32_t value,
                      const char *name, struct problems *problems, struct span *out)
{
    if (json_type(doc, value) != JSON_STRING) {
        problem_add(problems, name, "must be a string");
        return false;
    }
    char *text = arena_alloc(&call->arena, json_inside(doc, value).len + 1);
    *out = span_make(text, json_decode_string(doc, value, text));
    return true;
}

static void read_member(struct api_call *call, const struct json_doc *doc, struct span name,
                        uint32_t value, struct order *order, struct problems *problems)
{
    bool is_put = order->kind == ORDER_PUT;
    char field[64];
    (void)snprintf(field, sizeof field, "%.*s", SPAN_ARGS(name));
    if (span_is(name, "tenant"))
        (void)read_text(call, doc, value, field, problems, &order->tenant);
    else if (span_is(name, "note") && is_put)
        (void)read_text(call, doc, value, field, problems, &order->note);
    else if (span_is(name, "source") && is_put)
        (void)read_text(call, doc, value, field, problems, &order->source);
    else if (span_is(name, "version") && order->kind == ORDER_ACTIVATE)
        (void)read_text(call, doc, value, field, problems, &order->version);
    else if (!span_is(name, "activate") || !is_put)
        problem_add(problems, field, "unknown field");
    else if (json_type(doc, value) != JSON_TRUE && json_type(doc, value) != JSON_FALSE)
        problem_add(problems, field, "must be true or false");
    else
        order->is_kept_only = json_type(doc, value) == JSON_FALSE;
}

// False: the call has been refused.
static bool read_order(struct api_call *call, struct order *order)
{
    struct problems problems;
    struct json_doc doc;
    struct json_error error;
    struct span body = buf_span(&call->request->body);
    bool is_good = body.len == 0;
    json_init(&doc);
    problems_init(&problems);
    if (is_good) {
        // nothing is said but the path
    } else if (json_parse(&doc, body, JSON_MAX_DEPTH, &error) != OK) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    } else if (json_type(&doc, 0) != JSON_OBJECT) {
        api_refuse(call, PROBLEM_INVALID, "the body must be an object");
    } else {
        uint32_t key;
        uint32_t value;
        for (uint32_t at = 1; json_next_member(&doc, 0, &at, &key, &value);) { // of the root
            struct span name = json_inside(&doc, key);
            CHECK(name.at != NULL);
            read_member(call, &doc, name, value, order, &problems);
        }
        is_good = problems.count == 0;
        if (!is_good)
            api_refuse_fields(call, &problems);
    }
    problems_deinit(&problems);
    json_deinit(&doc);
    return is_good;
}

static void order(struct api_call *call, enum order_kind kind)
{
    struct order order = {
        .kind = kind, .tenant = tenant_of(call), .name = call->id, .by = span_of(call->by)};
    if (!read_order(call, &order))
        return;
    if (!dispatch_tenant_exists(call->admin->env.dispatch, order.tenant) &&
        strcmp(call->admin->env.config->tenants, "open") != 0)
        api_refuse(call, PROBLEM_INVALID, "no tenant \"%.*s\"", SPAN_ARGS(order.tenant));
    else
        order_submit(call->admin->env.script, &order, on_ordered, call);
}

void api_scripts_put(struct api_call *call)
{
    order(call, ORDER_PUT);
}

void api_scripts_activate(struct api_call *call)
{
    order(call, ORDER_ACTIVATE);
}

void api_scripts_rollback(struct api_call *call)
{
    order(call, ORDER_ROLLBACK);
}

void api_scripts_remove(struct api_call *call)
{
    order(call, ORDER_REMOVE);
}
