// SPDX-License-Identifier: MIT
// /api/v1/scripts/{name}/release: webhooks go on that were held because a script kept failing; main
// only.
#include "admin/api.h"
#include "base/mem.h"
#include "dispatch/dispatch.h"

// Those of one tenant with ?tenant=, else of all. The body is empty or {"webhook": UUID}. False: the call has been refused.
static bool read_webhook(struct api_call *call, uint32_t *number)
{
    struct json_doc doc;
    struct json_error error;
    struct uid uuid;
    const struct webhook *webhook = NULL;
    *number = 0;
    if (call->request->body.len == 0)
        return true;
    json_init(&doc);
    enum err err = json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error);
    if (err != OK) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
        json_deinit(&doc);
        return false;
    }
    uint32_t value = json_get(&doc, 0, SPAN("webhook"));
    bool is_uuid = value != JSON_NONE && doc.nodes[0].count == 1 &&
                   json_type(&doc, value) == JSON_STRING &&
                   uid_parse(json_inside(&doc, value), &uuid);
    if (is_uuid)
        webhook = dispatch_webhook(call->admin->env.dispatch, &uuid);
    json_deinit(&doc);
    if (!is_uuid)
        api_refuse(call, PROBLEM_INVALID, "the body must be {\"webhook\": \"UUID\"}, or empty");
    else if (webhook == NULL)
        api_refuse(call, PROBLEM_NOT_FOUND, "there is no such webhook");
    else
        *number = webhook->number;
    return webhook != NULL;
}

static bool is_known(const struct script *script, struct span name)
{
    for (size_t i = 0; i < script_count(script); i++) {
        struct script_info info;
        script_info(script, i, &info);
        if (span_eq(info.name, name))
            return true;
    }
    return false;
}

void api_scripts_release(struct api_call *call)
{
    static const char *const names[] = {"tenant"};
    const struct admin_env *env = &call->admin->env;
    struct dispatch_users users = {.script = call->id};
    if (!api_only(call, names, COUNT_OF(names)) || !read_webhook(call, &users.webhook))
        return;
    users.tenant = span_of(http_query(call->request, "tenant"));
    uint32_t released = dispatch_release(env->dispatch, &users, span_of(call->by));
    if (released == 0 && !is_known(env->script, call->id)) {
        api_refuse(call, PROBLEM_NOT_FOUND, "no script \"%.*s\"", SPAN_ARGS(call->id));
        return;
    }
    json_write_object(&call->json);
    json_write_member_int(&call->json, "released", released);
    json_write_end_object(&call->json);
    api_send(call, 200);
}
