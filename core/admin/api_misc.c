// SPDX-License-Identifier: MIT
// /api/v1/tenants, /settings, /healthz, /readyz; main only.
#include <string.h>

#include "admin/api.h"
#include "base/mem.h"
#include "dispatch/figures.h"

// ---- tenants -----------------------------------------------------------------------------------

void api_tenants_list(struct api_call *call)
{
    struct json_writer *w = &call->json;
    const char *name = NULL;
    json_write_object(w);
    json_write_name(w, "data");
    json_write_array(w);
    while ((name = dispatch_tenant_next(call->admin->env.dispatch, span_of(name))) != NULL) {
        json_write_object(w);
        json_write_member_text(w, "name", name);
        json_write_end_object(w);
    }
    json_write_end_array(w);
    api_write_cursors(call, NULL, NULL);
    json_write_end_object(w);
    api_send(call, 200);
}

static void on_tenant_added(void *context, enum err err)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    if (err == ERR_EXISTS) {
        api_refuse(call, PROBLEM_CONFLICT, "this tenant exists already");
    } else if (err == ERR_SYNTAX) {
        api_refuse(call, PROBLEM_INVALID, "a tenant's name is 1-128 of A-Z a-z 0-9 _ . -");
    } else if (err != OK) {
        api_refuse_err(call, err);
    } else {
        json_write_object(&call->json);
        json_write_member_text(&call->json, "name", call->context);
        json_write_end_object(&call->json);
        api_send(call, 201);
    }
}

// {"name": "…"} and nothing else.
static bool read_tenant(struct api_call *call, struct span *name)
{
    struct json_doc doc;
    struct json_error error;
    bool is_good = false;
    json_init(&doc);
    if (json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error) != OK) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    } else {
        uint32_t value = json_get(&doc, 0, SPAN("name"));
        is_good = value != JSON_NONE && doc.nodes[0].count == 1 &&
                  json_type(&doc, value) == JSON_STRING && json_inside(&doc, value).len <= 512;
        if (!is_good) {
            api_refuse(call, PROBLEM_INVALID, "the body must be {\"name\": \"...\"}");
        } else {
            char *text = arena_zalloc(&call->arena, json_inside(&doc, value).len + 1);
            *name = span_make(text, json_decode_string(&doc, value, text));
            call->context = text;
        }
    }
    json_deinit(&doc);
    return is_good;
}

void api_tenants_create(struct api_call *call)
{
    struct span name;
    if (read_tenant(call, &name))
        dispatch_tenant_add(call->admin->env.dispatch, name, span_of(call->by), on_tenant_added,
                            call);
}

// ---- settings ----------------------------------------------------------------------

void api_settings_read(struct api_call *call)
{
    struct json_writer *w = &call->json;
    json_write_object(w);
    json_write_name(w, "data");
    json_write_array(w);
    for (size_t i = 0; i < config_option_count; i++) {
        struct span value;
        enum config_origin origin;
        config_value(call->admin->env.config, i, &value, &origin);
        // Values for headers may be credentials.
        if (strcmp(config_options[i].name, "hook_env") == 0 && value.len > 0)
            value = SPAN("***");
        json_write_object(w);
        json_write_member_text(w, "name", config_options[i].name);
        json_write_member_string(w, "value", value);
        json_write_member_text(w, "default", config_options[i].fallback);
        json_write_member_text(w, "origin", config_origin_name(origin));
        json_write_member_text(w, "help", config_options[i].help);
        json_write_end_object(w);
    }
    json_write_end_array(w);
    json_write_end_object(w);
    api_send(call, 200);
}

// ---- health ------------------------------------------------------------------------------------

void api_healthz(struct api_call *call)
{
    (void)buf_append_text(&call->request->answer, "ok\n");
    api_send_text(call, 200, "text/plain; charset=utf-8");
}

void api_readyz(struct api_call *call)
{
    struct dispatch_stats dispatch;
    struct store_stats store;
    const char *why = NULL;
    dispatch_stats(call->admin->env.dispatch, &dispatch);
    store_stats(call->admin->env.store, &store);
    if (dispatch.is_draining)
        why = "the engine is stopping";
    else if (dispatch.is_store_down)
        why = "outcomes cannot be written to the store";
    else if (store.health != OK)
        why = err_text(store.health);
    (void)buf_append_format(&call->request->answer, "%s\n", why != NULL ? why : "ready");
    api_send_text(call, why != NULL ? 503 : 200, "text/plain; charset=utf-8");
}
