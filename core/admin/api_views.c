// SPDX-License-Identifier: MIT
// How webhooks, events, deliveries and attempts look in the API; main only. (admin.md)
#include <stdio.h>

#include "admin/api.h"
#include "base/clock.h"
#include "base/date.h"
#include "base/mem.h"
#include "crypto/eventid.h"
#include "dispatch/figures.h"

#define UNKNOWN_UID UINT32_MAX

static enum webhook_print how_for(const struct api_call *call)
{
    return call->role >= ROLE_OPERATOR ? WEBHOOK_FOR_ADMIN : WEBHOOK_FOR_VIEWER;
}

// ---- webhooks ----------------------------------------------------------------------------------

static const char *state_of(const struct webhook *webhook, const struct dispatch_webhook_state *s)
{
    if (!webhook->is_active)
        return webhook->disabled == WEBHOOK_ENABLED ? "inactive" : "disabled";
    if (webhook->is_paused)
        return "paused";
    return s->hold_count > 0 ? "held" : "active";
}

static void write_hold(struct json_writer *w, const struct dispatch_hold *hold)
{
    json_write_object(w);
    json_write_member_text(w, "reason", hold_name(hold->reason));
    json_write_name(w, "until");
    json_write_date_ms(w, hold->until_ms);
    json_write_end_object(w);
}

// "held" is the one that ends last, "holds" are all.
static void write_held(struct json_writer *w, const struct dispatch_webhook_state *s)
{
    json_write_name(w, "held");
    if (s->hold_count > 0)
        write_hold(w, &s->holds[0]);
    else
        json_write_null(w);
    json_write_name(w, "holds");
    json_write_array(w);
    for (size_t i = 0; i < s->hold_count; i++)
        write_hold(w, &s->holds[i]);
    json_write_end_array(w);
}

// Open also while its probe is under way, when nothing holds the webhook.
static void write_breaker(struct json_writer *w, const struct dispatch_breaker *breaker)
{
    json_write_name(w, "breaker");
    if (breaker->since_ms == 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_name(w, "since");
    json_write_date_ms(w, breaker->since_ms);
    json_write_name(w, "next_probe_at");
    json_write_date_ms(w, breaker->next_probe_ms);
    json_write_member_int(w, "failures", breaker->failures);
    json_write_end_object(w);
}

static void write_quarantine(struct api_call *call, const struct webhook *webhook)
{
    struct json_writer *w = &call->json;
    struct dispatch_quarantine q;
    json_write_name(w, "quarantine");
    if (!dispatch_quarantine(call->admin->env.dispatch, webhook->number, &q)) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_name(w, "since");
    json_write_date_ms(w, q.since_ms);
    json_write_member_int(w, "failures", q.failures);
    json_write_member_text(w, "outcome", outcome_name(q.outcome));
    json_write_name(w, "reason");
    json_write_quoted_value(w, span_of(q.reason));
    json_write_member_text(w, "scripts", q.scripts);
    json_write_end_object(w);
}

static void write_failing(struct api_call *call, const struct webhook *webhook)
{
    struct json_writer *w = &call->json;
    struct dispatch_failing f;
    json_write_name(w, "failing");
    if (!dispatch_failing(call->admin->env.dispatch, webhook->number, &f)) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_name(w, "since");
    json_write_date_ms(w, f.since_ms);
    json_write_member_int(w, "failures", f.failures);
    json_write_member_int(w, "days", f.days);
    json_write_name(w, "disabled_from");
    json_write_date_ms(w, f.disabled_from_ms);
    json_write_end_object(w);
}

static void write_traffic(struct json_writer *w, const struct dispatch_webhook_state *s)
{
    json_write_name(w, "traffic"); // since the engine's start
    json_write_object(w);
    json_write_member_int(w, "delivered", (int64_t)s->delivered);
    json_write_member_int(w, "failed_attempts", (int64_t)s->failed);
    json_write_member_int(w, "filtered", (int64_t)s->filtered);
    json_write_member_int(w, "dead", (int64_t)s->dead);
    json_write_member_int(w, "waiting", (int64_t)(s->waiting_rows + s->ready));
    json_write_member_int(w, "in_flight", s->in_flight);
    json_write_member_bool(w, "waits_for_rate_limit", s->waits_for_token);
    json_write_name(w, "next_due_at");
    json_write_date_ms(w, s->next_due_ms == INT64_MAX ? 0 : s->next_due_ms);
    json_write_name(w, "last_attempt_at");
    json_write_date_ms(w, s->last_attempt_ms);
    json_write_member_text(w, "last_outcome", outcome_name(s->last_outcome));
    json_write_end_object(w);
}

void api_write_account(struct json_writer *w, const struct account *account)
{
    json_write_member_int(w, "calls", (int64_t)account->calls);
    json_write_member_int(w, "cpu_us", (int64_t)account->cpu_us);
    json_write_member_int(w, "memory_peak_bytes", (int64_t)account->memory_bytes);
    json_write_member_int(w, "errors", (int64_t)account_failures(account));
    json_write_member_int(w, "kills", (int64_t)account->failures[ACCOUNT_KILLED]);
    json_write_name(w, "failures");
    json_write_object(w);
    for (int i = 0; i < ACCOUNT_FAILURES; i++)
        json_write_member_int(w, account_failure_name((enum account_failure)i),
                              (int64_t)account->failures[i]);
    json_write_end_object(w);
}

// What its scripts used for it since the engine's start, in its order.
static void write_script_use(struct api_call *call, const struct webhook *webhook)
{
    struct json_writer *w = &call->json;
    json_write_name(w, "script_use");
    json_write_array(w);
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        struct script_use_info info;
        bool is_there = script_use_info(call->admin->env.script, webhook, i, &info);
        json_write_object(w);
        json_write_member_string(w, "name", info.name);
        json_write_name(w, "version");
        is_there ? json_write_string(w, info.version) : json_write_null(w);
        api_write_account(w, &info.account);
        json_write_end_object(w);
    }
    json_write_end_array(w);
}

void api_write_webhook(struct api_call *call, struct webhook *webhook, bool with_secret)
{
    struct json_writer *w = &call->json;
    struct dispatch_webhook_state state;
    dispatch_webhook_state(call->admin->env.dispatch, webhook->number, &state);
    json_write_object(w);
    webhook_print_members(webhook, how_for(call), api_write_options, call, w);
    if (with_secret && webhook->secret_count > 0)
        json_write_member_string(w, "secret", webhook->secrets[0].text);
    json_write_member_bool(w, "signs", script_has_sign(call->admin->env.script, webhook));
    json_write_member_text(w, "state", state_of(webhook, &state));
    write_held(w, &state);
    write_breaker(w, &state.breaker);
    write_quarantine(call, webhook);
    write_failing(call, webhook);
    write_traffic(w, &state);
    write_script_use(call, webhook);
    json_write_end_object(w);
}

// ---- events ------------------------------------------------------------------------------------

static void write_number(struct json_writer *w, const char *name, uint32_t number)
{
    json_write_name(w, name);
    if (number == UNKNOWN_UID)
        json_write_null(w);
    else
        json_write_int(w, number);
}

static void write_payload(struct json_writer *w, const struct event *event)
{
    json_write_member_raw(w, event_form_name(event->form), event->payload);
}

static void write_webhooks(struct api_call *call, const char *name, const uint32_t *numbers,
                           uint32_t count)
{
    json_write_name(&call->json, name);
    json_write_array(&call->json);
    for (uint32_t i = 0; i < count; i++) {
        struct webhook *webhook = dispatch_webhook_by_number(call->admin->env.dispatch, numbers[i]);
        if (webhook != NULL)
            json_write_uid(&call->json, &webhook->uuid);
        else
            json_write_null(&call->json); // deleted before the engine's start
    }
    json_write_end_array(&call->json);
}

void api_write_event(struct api_call *call, const struct event *event, bool with_payload)
{
    struct json_writer *w = &call->json;
    json_write_object(w);
    json_write_name(w, "id");
    json_write_uid(w, &event->id);
    json_write_member_string(w, "event", event->name);
    json_write_member_string(w, "tenant", event->tenant);
    json_write_name(w, "accepted_at");
    json_write_date_ms(w, event->accepted_ms);
    json_write_name(w, "time");
    if (event->time.len > 0)
        json_write_string(w, event->time);
    else
        json_write_date_ms(w, event->time_ms);
    json_write_name(w, "deliver_at");
    json_write_date_ms(w, event->deliver_at_ms);
    json_write_name(w, "expires_at");
    json_write_date_ms(w, event->expires_at_ms);
    json_write_member_text(w, "form", event_form_name(event->form));
    json_write_member_int(w, "bytes", (int64_t)event->payload.len);
    json_write_name(w, "idempotency_key");
    event->key_id.len > 0 ? json_write_string(w, event->key_id) : json_write_null(w);
    json_write_name(w, "key");
    event->order_key.len > 0 ? json_write_string(w, event->order_key) : json_write_null(w);
    write_number(w, "uid", event->uid);
    write_number(w, "pid", event->pid);
    json_write_member_int(w, "deliveries", event->webhook_count);
    write_webhooks(call, "missed", event->missed, event->missed_count);
    if (with_payload) {
        write_webhooks(call, "webhooks", event->webhooks, event->webhook_count);
        write_payload(w, event);
    }
    json_write_end_object(w);
}

// ---- attempts ----------------------------------------------------------------------------------

static void write_headers(struct json_writer *w, const char *name, const struct header *headers,
                          uint32_t count)
{
    json_write_name(w, name);
    json_write_object(w);
    for (uint32_t i = 0; i < count; i++) {
        json_write_quoted_name(w, headers[i].name);
        json_write_quoted_value(w, headers[i].value);
    }
    json_write_end_object(w);
}

static void write_optional(struct json_writer *w, const char *name, struct span text)
{
    json_write_name(w, name);
    if (text.len > 0)
        json_write_quoted_value(w, text);
    else
        json_write_null(w);
}

static void write_phases(struct json_writer *w, const struct attempt_times *times)
{
    json_write_name(w, "phases_us");
    json_write_object(w);
    json_write_member_int(w, "dns", times->dns_us);
    json_write_member_int(w, "connect", times->connect_us);
    json_write_member_int(w, "tls", times->tls_us);
    json_write_member_int(w, "first_byte", times->first_byte_us);
    json_write_member_int(w, "total", times->total_us);
    json_write_end_object(w);
}

static void write_hex(struct json_writer *w, const char *name, const uint8_t *bytes, size_t len)
{
    char text[2 * 32 + 1];
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_write_member_text(w, name, text);
}

static void write_request(struct json_writer *w, const struct attempt *attempt)
{
    json_write_name(w, "request");
    json_write_object(w);
    json_write_name(w, "headers");
    json_write_object(w);
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        json_write_quoted_name(w, attempt->headers[i].name);
        json_write_quoted_value(w, attempt_shown_header(attempt, i));
    }
    json_write_end_object(w);
    json_write_member_int(w, "body_bytes", attempt->body_len);
    write_hex(w, "body_sha256", attempt->body_sha256, sizeof attempt->body_sha256);
    if (attempt->is_test) { // not from a record: the very bytes
        write_optional(w, "method", attempt->method);
        write_optional(w, "url", attempt->url);
        write_optional(w, "body", attempt->body);
    }
    json_write_end_object(w);
}

static void write_response(struct json_writer *w, const struct attempt *attempt)
{
    struct span excerpt = attempt->response;
    json_write_name(w, "response");
    if (attempt->status == 0) {
        json_write_null(w);
        return;
    }
    if (excerpt.len > ATTEMPT_MAX_EXCERPT)
        excerpt.len = ATTEMPT_MAX_EXCERPT;
    json_write_object(w);
    json_write_member_int(w, "status", attempt->status);
    write_headers(w, "headers", attempt->response_headers, attempt->response_header_count);
    json_write_member_int(w, "bytes", attempt->response_len);
    json_write_member_bool(w, "incomplete", attempt->is_incomplete);
    write_optional(w, "body", excerpt);
    json_write_end_object(w);
}

static void write_scripts(struct json_writer *w, const struct attempt *attempt)
{
    static const char *const verdicts[] = {NULL, "ok", "retry", "fail", "disable"};
    json_write_name(w, "scripts");
    if (attempt->scripts.len == 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    write_optional(w, "versions", attempt->scripts);
    json_write_member_int(w, "cpu_us", attempt->script_cpu_us);
    json_write_member_int(w, "memory_bytes", attempt->script_memory_bytes);
    write_optional(w, "logs", attempt->logs);
    json_write_member_text(w, "verdict", verdicts[attempt->verdict]);
    write_optional(w, "response_error", attempt->response_error);
    json_write_end_object(w);
}

void api_write_attempt(struct api_call *call, const struct attempt *attempt)
{
    struct json_writer *w = &call->json;
    json_write_object(w);
    json_write_member_int(w, "number", attempt->number);
    json_write_name(w, "started_at");
    json_write_date_ms(w, attempt->started_ms);
    json_write_member_int(w, "duration_ms", attempt->times.total_us / 1000);
    json_write_member_text(w, "outcome", outcome_name(attempt->outcome));
    json_write_name(w, "status");
    attempt->status != 0 ? json_write_int(w, attempt->status) : json_write_null(w);
    write_optional(w, "reason", attempt->reason);
    json_write_member_int(w, "webhook_revision", attempt->revision);
    write_phases(w, &attempt->times);
    write_optional(w, "remote", attempt->remote);
    write_optional(w, "tls", attempt->tls);
    json_write_member_bool(w, "reused_connection", attempt->is_reused);
    json_write_member_bool(w, "resent", attempt->is_resent);
    json_write_name(w, "retry_after_ms");
    attempt->retry_after_ms >= 0 ? json_write_int(w, attempt->retry_after_ms) : json_write_null(w);
    write_request(w, attempt);
    write_response(w, attempt);
    write_scripts(w, attempt);
    json_write_member_int(w, "waited_ms", attempt->waited_ms);
    write_optional(w, "wait_reason", attempt->wait_reason);
    json_write_end_object(w);
}

// ---- deliveries --------------------------------------------------------------------------------

void api_write_delivery(struct api_call *call, const struct query_delivery *row)
{
    struct json_writer *w = &call->json;
    const struct admin_env *env = &call->admin->env;
    struct webhook *webhook = dispatch_webhook_by_number(env->dispatch, row->webhook);
    struct uid id = eventid_make_delivery(env->id_key, row->event->accepted_ms, row->id);
    struct dispatch_overlay overlay;
    dispatch_overlay(env->dispatch, row->id, row->webhook, &overlay);
    enum delivery_state state = overlay.is_known ? overlay.state : row->state;
    struct span reason = row->reason;
    if (state == DELIVERY_PENDING || overlay.is_known)
        reason = overlay.reason != NULL ? span_of(overlay.reason) : reason;
    json_write_object(w);
    json_write_name(w, "id");
    json_write_uid(w, &id);
    json_write_name(w, "event");
    json_write_uid(w, &row->event->id);
    json_write_member_string(w, "event_name", row->event->name);
    json_write_member_string(w, "tenant", row->event->tenant);
    json_write_name(w, "webhook");
    webhook != NULL ? json_write_uid(w, &webhook->uuid) : json_write_null(w);
    json_write_member_text(w, "state", delivery_state_name(state));
    json_write_member_text(w, "outcome", outcome_name(row->outcome));
    write_optional(w, "reason", reason);
    json_write_member_bool(w, "is_replay", row->is_replay);
    json_write_name(w, "accepted_at");
    json_write_date_ms(w, row->event->accepted_ms);
    json_write_name(w, "due_at");
    json_write_date_ms(w, state == DELIVERY_PENDING && row->due_ms != INT64_MAX ? row->due_ms : 0);
    json_write_name(w, "settled_at");
    json_write_date_ms(w, delivery_state_is_final(state) ? row->settled_ms : 0);
    json_write_name(w, "attempts");
    json_write_array(w);
    for (uint32_t i = 0; i < row->attempt_count; i++)
        api_write_attempt(call, &row->attempts[i]);
    json_write_end_array(w);
    json_write_end_object(w);
}
