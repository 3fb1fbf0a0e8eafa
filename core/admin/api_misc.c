// SPDX-License-Identifier: MIT
// /api/v1/settings, /healthz, /readyz; main only.
#include <string.h>

#include "admin/api.h"
#include "base/mem.h"
#include "dispatch/figures.h"

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
