// SPDX-License-Identifier: MIT
// /api/v1/tenants: list, add, read, change, pause, resume, remove; main only.
#include "admin/api.h"
#include "base/mem.h"
#include "json/json_edit.h"

static void write_tenant(struct json_writer *w, const struct dispatch_tenant_view *tenant)
{
    json_write_object(w);
    json_write_member_text(w, "name", tenant->name);
    tenant_limits_print(tenant->limits, w);
    json_write_member_int(w, "webhooks", tenant->webhooks);
    json_write_member_int(w, "in_flight", tenant->in_flight);
    json_write_member_int(w, "waiting", (int64_t)tenant->waiting);
    json_write_end_object(w);
}

void api_tenants_list(struct api_call *call)
{
    struct dispatch *dispatch = call->admin->env.dispatch;
    struct json_writer *w = &call->json;
    struct dispatch_tenant_view tenant;
    const char *name = NULL;
    json_write_object(w);
    json_write_name(w, "data");
    json_write_array(w);
    while ((name = dispatch_tenant_next(dispatch, span_of(name))) != NULL) {
        if (dispatch_tenant(dispatch, span_of(name), &tenant))
            write_tenant(w, &tenant);
    }
    json_write_end_array(w);
    api_write_cursors(call, NULL, NULL);
    json_write_end_object(w);
    api_send(call, 200);
}

// False: the call has been refused.
static bool find(struct api_call *call, struct dispatch_tenant_view *tenant)
{
    if (dispatch_tenant(call->admin->env.dispatch, call->id, tenant))
        return true;
    api_refuse(call, PROBLEM_NOT_FOUND, "no tenant \"%.*s\"", SPAN_ARGS(call->id));
    return false;
}

void api_tenants_read(struct api_call *call)
{
    struct dispatch_tenant_view tenant;
    if (!find(call, &tenant))
        return;
    write_tenant(&call->json, &tenant);
    api_send(call, 200);
}

// ---- changes -----------------------------------------------------------------------------------

#define CHANGING_MAGIC 0x54434847u
struct changing {
    uint32_t magic;
    struct api_call *call;
    struct tenant_limits limits;
    struct span name; // of the call's arena, or its path
    int status;
};

static void refuse(struct api_call *call, struct span name, enum err err)
{
    if (err == ERR_EXISTS)
        api_refuse(call, PROBLEM_CONFLICT, "this tenant exists already");
    else if (err == ERR_SYNTAX)
        api_refuse(call, PROBLEM_INVALID, "a tenant's name is 1-128 of A-Z a-z 0-9 _ . -");
    else if (err == ERR_DENIED)
        api_refuse(call, PROBLEM_CONFLICT, "the tenant \"default\" cannot be removed");
    else if (err == ERR_FULL)
        api_refuse(call, PROBLEM_CONFLICT, "it has webhooks: remove them first");
    else if (err == ERR_CONFLICT)
        api_refuse(call, PROBLEM_CONFLICT, "somebody else is changing it: try again");
    else if (err == ERR_NOT_FOUND)
        api_refuse(call, PROBLEM_NOT_FOUND, "no tenant \"%.*s\"", SPAN_ARGS(name));
    else
        api_refuse_err(call, err);
}

static void on_done(void *context, enum err err)
{
    struct changing *c;
    CAST(c, context, CHANGING_MAGIC);
    struct api_call *call = c->call;
    struct dispatch_tenant_view tenant;
    if (err != OK) {
        refuse(call, c->name, err);
    } else if (c->status == 204 || !dispatch_tenant(call->admin->env.dispatch, c->name, &tenant)) {
        api_send_empty(call, 204);
    } else {
        write_tenant(&call->json, &tenant);
        api_send(call, c->status);
    }
    xfree(c);
}

static void put(struct api_call *call, struct span name, const struct tenant_limits *limits,
                struct dispatch_tenant_change change, int status)
{
    struct changing *c = xcalloc(1, sizeof *c);
    c->magic = CHANGING_MAGIC;
    c->call = call;
    c->name = name;
    c->status = status;
    if (limits != NULL)
        c->limits = *limits;
    change.limits = &c->limits;
    change.by = span_of(call->by);
    change.on_done = on_done;
    change.context = c;
    dispatch_tenant_put(call->admin->env.dispatch, name, &change);
}

// False: the call has been refused.
static bool change_limits(struct api_call *call, struct span json, struct tenant_limits *limits)
{
    struct problems problems;
    problems_init(&problems);
    bool is_good = tenant_limits_change(limits, json, &problems) == OK;
    if (!is_good)
        api_refuse_fields(call, &problems);
    problems_deinit(&problems);
    return is_good;
}

// The body without its name: what is left are limits. False: the call has been refused.
static bool take_name(struct api_call *call, struct span *name, struct span *rest)
{
    struct json_doc doc;
    struct json_doc patch;
    struct json_error error;
    struct buf out;
    bool is_good = false;
    json_init(&doc);
    json_init(&patch);
    buf_init(&out, 65536);
    if (json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error) != OK) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    } else {
        uint32_t value =
            json_type(&doc, 0) == JSON_OBJECT ? json_get(&doc, 0, SPAN("name")) : JSON_NONE;
        is_good = value != JSON_NONE && json_type(&doc, value) == JSON_STRING &&
                  json_duplicate(&doc, 0) == JSON_NONE && json_inside(&doc, value).len <= 512 &&
                  json_parse(&patch, SPAN("{\"name\":null}"), JSON_MAX_DEPTH, &error) == OK &&
                  json_edit_merge_patch(&out, &doc, 0, &patch, 0) == OK;
        if (!is_good)
            api_refuse(call, PROBLEM_INVALID,
                       "the body must be {\"name\": \"...\"}, and limits if you like");
    }
    if (is_good) {
        uint32_t value = json_get(&doc, 0, SPAN("name"));
        char *text = arena_zalloc(&call->arena, json_inside(&doc, value).len + 1);
        *name = span_make(text, json_decode_string(&doc, value, text));
        *rest = arena_copy(&call->arena, buf_span(&out));
    }
    buf_deinit(&out);
    json_deinit(&patch);
    json_deinit(&doc);
    return is_good;
}

void api_tenants_create(struct api_call *call)
{
    struct tenant_limits limits = {0};
    struct span name;
    struct span rest;
    if (take_name(call, &name, &rest) && change_limits(call, rest, &limits))
        put(call, name, &limits,
            (struct dispatch_tenant_change){.is_new = true, .action = "create"}, 201);
}

static void change_to(struct api_call *call, struct span json, const char *action)
{
    struct dispatch_tenant_view tenant;
    if (!find(call, &tenant))
        return;
    struct tenant_limits limits = *tenant.limits;
    if (change_limits(call, json, &limits))
        put(call, call->id, &limits, (struct dispatch_tenant_change){.action = action}, 200);
}

void api_tenants_patch(struct api_call *call)
{
    change_to(call, buf_span(&call->request->body), "update");
}

void api_tenants_pause(struct api_call *call)
{
    change_to(call, SPAN("{\"is_paused\":true}"), "pause");
}

void api_tenants_resume(struct api_call *call)
{
    change_to(call, SPAN("{\"is_paused\":false}"), "resume");
}

void api_tenants_remove(struct api_call *call)
{
    struct dispatch_tenant_view tenant;
    if (find(call, &tenant))
        put(call, call->id, NULL,
            (struct dispatch_tenant_change){.is_removal = true, .action = "remove"}, 204);
}
