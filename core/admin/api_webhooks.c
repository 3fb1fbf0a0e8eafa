// SPDX-License-Identifier: MIT
// /api/v1/webhooks: list, create, read, change, remove, test; main only.
//
// Saving, in firing order: parse → script_check → on_checked → dispatch_webhook_put → on_saved.
#include <stdio.h>
#include <string.h>

#include "admin/api.h"
#include "base/clock.h"
#include "base/mem.h"
#include "json/json_edit.h"
#include "model/event.h"

// A revision on its way: the call's context.
struct saving {
    struct webhook *fresh; // one reference
    uint32_t expected;     // revision that If-Match names; 0: any
    const char *action;
    api_saved_fn *answer;
    struct problems problems;
};

// ---- list --------------------------------------------------------------------------------------

struct webhook_filter {
    struct span event, tenant, search;
    const char *active; // "true", "false"; NULL: both
};

static bool contains_nocase(struct span text, struct span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++) {
        if (span_eq_nocase(span_make(text.at + i, part.len), part))
            return true;
    }
    return false;
}

static bool is_wanted(const struct webhook *webhook, const struct webhook_filter *filter)
{
    bool is_found = filter->search.len == 0 || contains_nocase(webhook->name, filter->search) ||
                    contains_nocase(webhook->target, filter->search);
    if (filter->event.len > 0 && !webhook_matches(webhook, filter->event))
        return false;
    if (filter->tenant.len > 0 && !span_eq(webhook->tenant, filter->tenant))
        return false;
    if (filter->active != NULL && webhook->is_active != (strcmp(filter->active, "true") == 0))
        return false;
    return is_found;
}

// The page's webhooks, newest first; at most limit + 1, so that "is there more" shows.
static size_t collect(struct dispatch *dispatch, const struct api_page *page, uint32_t from,
                      const struct webhook_filter *filter, struct webhook **out)
{
    size_t count = 0;
    uint32_t at = from;
    struct webhook *webhook;
    for (;;) {
        webhook = page->is_back ? dispatch_webhook_next(dispatch, at)
                                : dispatch_webhook_previous(dispatch, at);
        if (webhook == NULL || count > page->limit)
            return count;
        at = webhook->number;
        if (is_wanted(webhook, filter))
            out[count++] = webhook;
    }
}

static bool read_filter(struct api_call *call, struct webhook_filter *filter)
{
    static const char *const names[] = {"limit", "cursor", "event", "active", "tenant", "q"};
    const struct http_request *request = call->request;
    if (!api_only(call, names, COUNT_OF(names)))
        return false;
    filter->event = span_of(http_query(request, "event"));
    filter->tenant = span_of(http_query(request, "tenant"));
    filter->search = span_of(http_query(request, "q"));
    filter->active = http_query(request, "active");
    return true;
}

void api_webhooks_list(struct api_call *call)
{
    struct webhook_filter filter;
    struct api_page page;
    struct webhook *rows[QUERY_MAX_LIMIT + 2];
    struct dispatch *dispatch = call->admin->env.dispatch;
    if (!read_filter(call, &filter) || !api_page(call, &page))
        return;
    uint32_t from = UINT32_MAX;
    struct webhook *at = page.has_cursor ? dispatch_webhook(dispatch, &page.at) : NULL;
    if (at != NULL)
        from = at->number;
    size_t count = collect(dispatch, &page, from, &filter, rows);
    bool has_more = count > page.limit;
    if (has_more)
        count = page.limit;
    json_write_object(&call->json);
    json_write_name(&call->json, "data");
    json_write_array(&call->json);
    for (size_t i = 0; i < count; i++)
        api_write_webhook(call, rows[page.is_back ? count - 1 - i : i], false);
    json_write_end_array(&call->json);
    const struct webhook *newest = count == 0 ? NULL : rows[page.is_back ? count - 1 : 0];
    const struct webhook *oldest = count == 0 ? NULL : rows[page.is_back ? 0 : count - 1];
    bool has_older = page.is_back ? at != NULL : has_more;
    bool has_newer = page.is_back ? has_more : at != NULL;
    api_write_cursors(call, oldest != NULL && has_older ? &oldest->uuid : NULL,
                      newest != NULL && has_newer ? &newest->uuid : NULL);
    json_write_end_object(&call->json);
    api_send(call, 200);
}

static void send_webhook(struct api_call *call, struct webhook *webhook, int status,
                         bool with_secret)
{
    snprintf(call->request->etag, sizeof call->request->etag, "\"%u\"", webhook->revision);
    api_write_webhook(call, webhook, with_secret);
    api_send(call, status);
}

void api_webhooks_read(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    if (webhook != NULL)
        send_webhook(call, webhook, 200, false);
}

// ---- saving ------------------------------------------------------------------------------------

static bool refuses_target(void *context, struct span target, struct errmsg *why)
{
    struct api_call *call = context;
    return !guard_allows_url(call->admin->env.guard, target, why);
}

static struct webhook_rules rules_of(struct api_call *call, const struct webhook *have)
{
    const struct config_list *events = &call->admin->env.config->events;
    return (struct webhook_rules){
        .refuses_target = refuses_target,
        .context = call,
        .known_events = events->count > 0 ? events->items : NULL,
        .known_event_count = events->count,
        .have = have,
    };
}

static void saving_free(struct saving *s)
{
    problems_deinit(&s->problems);
    webhook_unref(s->fresh);
    xfree(s);
}

static void on_saved(void *context, enum err err, struct webhook *webhook)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    struct saving *s = call->context;
    api_saved_fn *answer = s->answer;
    saving_free(s);
    if (err != OK)
        api_refuse_err(call, err);
    else
        answer(call, webhook);
}

static void on_checked(void *context, struct problems *problems)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    struct saving *s = call->context;
    if (problems->count > 0) {
        api_refuse_fields(call, problems);
        saving_free(s);
        return;
    }
    dispatch_webhook_put(call->admin->env.dispatch, s->fresh, s->expected, span_of(call->by),
                         s->action, on_saved, call);
}

static struct saving *saving_new(struct api_call *call, struct webhook *fresh, uint32_t expected,
                                 const char *action, api_saved_fn *answer)
{
    struct saving *s = xcalloc(1, sizeof *s);
    s->fresh = fresh;
    s->expected = expected;
    s->action = action;
    s->answer = answer;
    problems_init(&s->problems);
    call->context = s;
    return s;
}

void api_put_webhook(struct api_call *call, struct webhook *fresh, uint32_t expected,
                     const char *action, api_saved_fn *answer)
{
    (void)saving_new(call, fresh, expected, action, answer);
    dispatch_webhook_put(call->admin->env.dispatch, fresh, expected, span_of(call->by), action,
                         on_saved, call);
}

void api_save_webhook(struct api_call *call, struct webhook *fresh, uint32_t expected,
                      const char *action, api_saved_fn *answer)
{
    struct saving *s = saving_new(call, fresh, expected, action, answer);
    if (!dispatch_tenant_exists(call->admin->env.dispatch, fresh->tenant) &&
        strcmp(call->admin->env.config->tenants, "open") != 0)
        problem_add(&s->problems, "tenant",
                    "no tenant \"%.*s\"; add it with: grapnel tenants add "
                    "%.*s",
                    SPAN_ARGS(fresh->tenant), SPAN_ARGS(fresh->tenant));
    struct dispatch_tenant_view tenant;
    if (dispatch_webhook(call->admin->env.dispatch, &fresh->uuid) == NULL &&
        dispatch_tenant(call->admin->env.dispatch, fresh->tenant, &tenant) &&
        tenant.limits->max_webhooks != 0 && tenant.webhooks >= tenant.limits->max_webhooks)
        problem_add(&s->problems, "tenant",
                    "tenant \"%.*s\" has %u webhooks, as many as it may have (max_webhooks)",
                    SPAN_ARGS(fresh->tenant), tenant.webhooks);
    script_check(call->admin->env.script, fresh, &s->problems, on_checked, call);
}

// Parses the body, or what `have` is to become; NULL: the call has been refused.
static struct webhook *parse(struct api_call *call, struct span json, const struct webhook *have)
{
    struct webhook_rules rules = rules_of(call, have);
    struct webhook *webhook = NULL;
    struct problems problems;
    problems_init(&problems);
    if (webhook_parse(&webhook, json, &rules, &problems) != OK)
        api_refuse_fields(call, &problems);
    problems_deinit(&problems);
    return webhook;
}

// ---- create ------------------------------------------------------------------------------------

static void print_edit(const struct webhook *webhook, struct buf *out)
{
    struct json_writer w;
    buf_init(out, (size_t)WEBHOOK_MAX_JSON * 8);
    json_write_init(&w, out);
    webhook_print(webhook, WEBHOOK_FOR_EDIT, &w);
}

static bool has_same_secrets(const struct webhook *a, const struct webhook *b)
{
    if (a->secret_count != b->secret_count)
        return false;
    for (uint32_t i = 0; i < a->secret_count; i++) {
        if (!span_eq(a->secrets[i].text, b->secrets[i].text))
            return false;
    }
    return true;
}

static bool is_same(const struct webhook *have, const struct webhook *fresh)
{
    struct buf a;
    struct buf b;
    print_edit(have, &a);
    print_edit(fresh, &b);
    bool is_equal = span_eq(buf_span(&a), buf_span(&b)) &&
                    (fresh->has_new_secret || has_same_secrets(have, fresh));
    buf_deinit(&a);
    buf_deinit(&b);
    return is_equal;
}

// A body that is no JSON at all is 400; what is wrong with its fields is 422.
static bool is_json(struct api_call *call)
{
    struct json_doc doc;
    struct json_error error;
    json_init(&doc);
    enum err err = json_parse(&doc, buf_span(&call->request->body), JSON_MAX_DEPTH, &error);
    json_deinit(&doc);
    if (err != OK)
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    return err == OK;
}

static void answer_created(struct api_call *call, struct webhook *webhook)
{
    char uuid[UID_TEXT_LEN + 1];
    uid_print(&webhook->uuid, uuid);
    snprintf(call->request->location, sizeof call->request->location, "/api/v1/webhooks/%s", uuid);
    send_webhook(call, webhook, 201, webhook->has_new_secret && call->role == ROLE_ADMIN);
}

void api_webhooks_create(struct api_call *call)
{
    struct webhook *fresh =
        is_json(call) ? parse(call, buf_span(&call->request->body), NULL) : NULL;
    if (fresh == NULL)
        return;
    struct webhook *have = dispatch_webhook(call->admin->env.dispatch, &fresh->uuid);
    if (have == NULL) {
        api_save_webhook(call, fresh, 0, "create", answer_created);
        return;
    }
    if (is_same(have, fresh))
        send_webhook(call, have, 200, false);
    else
        api_refuse(call, PROBLEM_CONFLICT,
                   "a webhook with this uuid exists with other content; PATCH changes it");
    webhook_unref(fresh);
}

// ---- change ------------------------------------------------------------------------------------

bool api_if_match(struct api_call *call, const struct webhook *have, uint32_t *expected)
{
    const char *text = http_header_in(call->request, "If-Match");
    uint64_t revision = 0;
    *expected = 0;
    if (text == NULL || strcmp(text, "*") == 0)
        return true;
    struct span tag = span_of(text);
    if (tag.len > 2 && tag.at[0] == '"' && tag.at[tag.len - 1] == '"')
        tag = span_make(tag.at + 1, tag.len - 2);
    if (!span_to_uint64(tag, &revision) || revision != have->revision) {
        api_refuse(call, PROBLEM_STALE, "it is at revision %u", have->revision);
        return false;
    }
    *expected = (uint32_t)revision;
    return true;
}

// What stays when people change fields: secrets, and why it was disabled.
static void carry_over(struct webhook *fresh, const struct webhook *have)
{
    if (fresh->has_new_secret)
        webhook_keep_secrets(fresh, have);
    api_keep_options(fresh, have);
    if (fresh->is_active)
        return;
    fresh->disabled = have->is_active ? WEBHOOK_OPERATOR : have->disabled;
    fresh->disabled_ms = have->is_active ? clock_wall_ms() : have->disabled_ms;
}

static void answer_changed(struct api_call *call, struct webhook *webhook)
{
    send_webhook(call, webhook, 200, false);
}

// Applies a JSON merge patch (RFC 7396) to the fields that people set, and saves.
static void change(struct api_call *call, struct webhook *have, struct span patch,
                   const char *action)
{
    struct json_doc doc;
    struct json_doc patch_doc;
    struct json_error error;
    struct buf before;
    struct buf after;
    uint32_t expected;
    if (!api_if_match(call, have, &expected))
        return;
    json_init(&doc);
    json_init(&patch_doc);
    print_edit(have, &before);
    buf_init(&after, (size_t)WEBHOOK_MAX_JSON * 8);
    CHECK(json_parse(&doc, buf_span(&before), JSON_MAX_DEPTH, &error) == OK);
    if (json_parse(&patch_doc, patch, JSON_MAX_DEPTH, &error) != OK) {
        api_refuse(call, PROBLEM_BAD_JSON, "%s at byte %zu", error.message, error.offset);
    } else if (json_edit_merge_patch(&after, &doc, 0, &patch_doc, 0) != OK) {
        api_refuse(call, PROBLEM_TOO_LARGE, "the webhook would be longer than it may be");
    } else {
        struct webhook *fresh = parse(call, buf_span(&after), have);
        if (fresh != NULL && !uid_eq(&fresh->uuid, &have->uuid)) {
            api_refuse(call, PROBLEM_CONFLICT, "a webhook's uuid cannot be changed");
            webhook_unref(fresh);
        } else if (fresh != NULL) {
            carry_over(fresh, have);
            api_save_webhook(call, fresh, expected, action, answer_changed);
        }
    }
    buf_deinit(&after);
    buf_deinit(&before);
    json_deinit(&patch_doc);
    json_deinit(&doc);
}

void api_webhooks_patch(struct api_call *call)
{
    struct webhook *have = api_webhook(call);
    if (have != NULL)
        change(call, have, buf_span(&call->request->body), "update");
}

static void change_to(struct api_call *call, struct span patch, const char *action)
{
    struct webhook *have = api_webhook(call);
    if (have != NULL)
        change(call, have, patch, action);
}

void api_webhooks_enable(struct api_call *call)
{
    change_to(call, SPAN("{\"is_active\":true}"), "enable");
}

void api_webhooks_disable(struct api_call *call)
{
    change_to(call, SPAN("{\"is_active\":false}"), "disable");
}

void api_webhooks_pause(struct api_call *call)
{
    change_to(call, SPAN("{\"is_paused\":true}"), "pause");
}

void api_webhooks_resume(struct api_call *call)
{
    change_to(call, SPAN("{\"is_paused\":false}"), "resume");
}

void api_webhooks_breaker_reset(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    if (webhook == NULL)
        return;
    dispatch_breaker_reset(call->admin->env.dispatch, webhook->number, span_of(call->by));
    send_webhook(call, webhook, 200, false);
}

static void on_removed(void *context, enum err err, struct webhook *webhook)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    (void)webhook;
    if (err != OK)
        api_refuse_err(call, err);
    else
        api_send_empty(call, 204);
}

void api_webhooks_delete(struct api_call *call)
{
    struct webhook *have = api_webhook(call);
    uint32_t expected;
    if (have != NULL && api_if_match(call, have, &expected))
        dispatch_webhook_remove(call->admin->env.dispatch, have, span_of(call->by), on_removed,
                                call);
}

// ---- test --------------------------------------------------------------------------------------

static void on_tested(void *context, struct attempt *attempt)
{
    struct api_call *call;
    CAST(call, context, API_CALL_MAGIC);
    api_write_attempt(call, attempt);
    attempt_free(attempt);
    api_send(call, 200);
}

// Its first plain event name, or "test".
static struct span test_name(const struct webhook *webhook)
{
    for (uint32_t i = 0; i < webhook->event_count; i++) {
        if (event_name_is_valid(webhook->events[i]))
            return webhook->events[i];
    }
    return SPAN("test");
}

// The body, if any, is an event of wire.md without "tenant" and "webhook".
static struct event *test_event(struct api_call *call, const struct webhook *webhook)
{
    struct event_source source = {
        .form = EVENT_DATA,
        .uid = call->request->peer.uid,
        .pid = call->request->peer.pid,
        .tenant = webhook->tenant,
        .name = test_name(webhook),
        .payload = SPAN("{\"test\":true,\"message\":\"A test event from grapnel.\"}"),
    };
    if (call->request->body.len == 0)
        return event_new(&source);
    struct wire_producer producer = {call->request->peer.uid, call->request->peer.pid};
    struct wire_reply reply;
    struct event *event = NULL;
    struct wire_rules rules = {0};
    struct wire *wire = wire_new(&rules);
    if (wire_decode(wire, buf_span(&call->request->body), &producer, &event, &reply) != OK)
        api_refuse_wire(call, &reply);
    wire_free(wire);
    return event;
}

void api_webhooks_test(struct api_call *call)
{
    struct webhook *webhook = api_webhook(call);
    if (webhook == NULL)
        return;
    struct event *event = test_event(call, webhook);
    if (event == NULL)
        return;
    event->id = uid_random();
    event->accepted_ms = event->time_ms = clock_wall_ms();
    dispatch_test(call->admin->env.dispatch, webhook, &event, on_tested, call);
}
