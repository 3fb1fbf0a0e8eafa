// SPDX-License-Identifier: MIT
// A webhook's life, its patterns, and how it is written as JSON; any thread.
// webhook_parse.c reads one.
#include "model/webhook.h"

#include "base/clock.h"
#include "base/mem.h"
#include "json/json.h"
#include "model/event.h"
#include "model/webhook_secret.h"

struct webhook *webhook_ref(struct webhook *webhook)
{
    CHECK(webhook->magic == WEBHOOK_MAGIC);
    __atomic_add_fetch(&webhook->refs, 1, __ATOMIC_RELAXED);
    return webhook;
}

void webhook_unref(struct webhook *webhook)
{
    if (webhook == NULL)
        return;
    CHECK(webhook->magic == WEBHOOK_MAGIC);
    if (__atomic_sub_fetch(&webhook->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (uint32_t i = 0; i < webhook->secret_count; i++) {
        struct span text = webhook->secrets[i].text; // lies in the arena, which is ours to write
        char *at = (char *)(uintptr_t)text.at;
        mem_wipe(at, text.len);
    }
    webhook->magic = 0;
    arena_deinit(&webhook->arena);
    xfree(webhook);
}

const char *webhook_disabled_name(enum webhook_disabled disabled)
{
    static const char *const names[] = {NULL, "http_410", "failing", "operator", "verdict"};
    CHECK(disabled < COUNT_OF(names));
    return names[disabled];
}

// ---- patterns ------------------------------------------------------------------------------

static bool has_tail(struct span pattern)
{
    return pattern.len > 2 && memcmp(pattern.at + pattern.len - 2, ".*", 2) == 0;
}

bool webhook_pattern_is_valid(struct span pattern)
{
    if (span_is(pattern, "*"))
        return true;
    if (has_tail(pattern))
        pattern.len -= 2;
    return event_name_is_valid(pattern);
}

bool webhook_pattern_matches(struct span pattern, struct span name)
{
    if (span_is(pattern, "*"))
        return !span_starts_with(name, SPAN(EVENT_ENGINE_PREFIX));
    if (!has_tail(pattern))
        return span_eq(pattern, name);
    struct span prefix = {pattern.at, pattern.len - 1}; // with its dot
    return name.len > prefix.len && span_starts_with(name, prefix);
}

bool webhook_matches(const struct webhook *webhook, struct span event_name)
{
    for (uint32_t i = 0; i < webhook->event_count; i++) {
        if (webhook_pattern_matches(webhook->events[i], event_name))
            return true;
    }
    return false;
}

void webhook_safe_target(struct span target, struct buf *out)
{
    size_t slashes = 0;
    size_t end = 0;
    while (end < target.len && slashes < 3) {
        char c = target.at[end];
        if (slashes == 2 && (c == '?' || c == '#'))
            break;
        slashes += c == '/';
        end++;
    }
    (void)buf_append(out, target.at, end);
    if (end < target.len)
        (void)buf_append_text(out, "…");
}

void webhook_shown_target(struct span target, struct buf *out)
{
    size_t end = 0;
    size_t slashes = 0;
    size_t path = 0; // behind the last slash of the path
    while (end < target.len && target.at[end] != '?' && target.at[end] != '#') {
        slashes += target.at[end] == '/';
        if (target.at[end] == '/' && slashes > 2)
            path = end + 1;
        end++;
    }
    if (path == 0)
        path = end;
    (void)buf_append(out, target.at, path);
    if (path < target.len)
        (void)buf_append_text(out, "…");
}

// ---- printing ------------------------------------------------------------------------------

static void print_texts(struct json_writer *w, const char *name, const struct span *list,
                        uint32_t count)
{
    json_write_name(w, name);
    json_write_array(w);
    for (uint32_t i = 0; i < count; i++)
        json_write_string(w, list[i]);
    json_write_end_array(w);
}

static void print_headers(struct json_writer *w, const struct webhook *webhook, bool is_masked)
{
    json_write_name(w, "extra_headers");
    json_write_object(w);
    for (uint32_t i = 0; i < webhook->extra_header_count; i++) {
        json_write_name_span(w, webhook->extra_headers[i].name);
        json_write_string(w, is_masked ? SPAN(WEBHOOK_MASK) : webhook->extra_headers[i].value);
    }
    json_write_end_object(w);
}

struct printing {
    bool is_masked; // header values and the target's tail
    webhook_options_fn *write_options;
    void *context;
};

static void print_scripts(struct json_writer *w, const struct webhook *webhook,
                          const struct printing *printing)
{
    json_write_name(w, "scripts");
    json_write_array(w);
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct webhook_script *script = &webhook->scripts[i];
        json_write_object(w);
        json_write_member_string(w, "name", script->name);
        if (script->version.len > 0)
            json_write_member_string(w, "version", script->version);
        json_write_name(w, "options");
        if (printing->write_options)
            printing->write_options(printing->context, webhook, script, w);
        else
            json_write_raw(w, script->options.len ? script->options : SPAN("{}"));
        json_write_end_object(w);
    }
    json_write_end_array(w);
}

void webhook_print_secrets(const struct webhook *webhook, bool is_shown, struct json_writer *w)
{
    int64_t now = clock_wall_ms();
    json_write_array(w);
    for (uint32_t i = 0; i < webhook->secret_count; i++) {
        if (is_shown || webhook_secret_is_valid(&webhook->secrets[i], now))
            webhook_secret_print(&webhook->secrets[i], is_shown, w);
    }
    json_write_end_array(w);
}

static void print_target(struct json_writer *w, const struct webhook *webhook, bool is_masked)
{
    if (!is_masked) {
        json_write_member_string(w, "target", webhook->target);
        return;
    }
    struct buf safe;
    buf_init(&safe, WEBHOOK_MAX_TARGET + 8);
    webhook_shown_target(webhook->target, &safe);
    json_write_member_string(w, "target", buf_span(&safe));
    buf_deinit(&safe);
}

// A burst that nobody chose stays open, so that it follows the rate when that is changed.
static void print_rate(struct json_writer *w, const struct webhook *webhook)
{
    json_write_name(w, "rate_limit");
    if (webhook->rate_per_second <= 0) {
        json_write_null(w);
        return;
    }
    json_write_object(w);
    json_write_name(w, "per_second");
    json_write_double(w, webhook->rate_per_second);
    json_write_name(w, "burst");
    if (webhook->rate_burst > 0)
        json_write_int(w, webhook->rate_burst);
    else
        json_write_null(w);
    json_write_end_object(w);
}

static void print_limits(struct json_writer *w, const struct webhook *webhook)
{
    json_write_member_int(w, "timeout_ms", webhook->timeout_ms);
    json_write_name(w, "retry");
    if (webhook->has_retry) {
        json_write_array(w);
        for (uint32_t i = 0; i < webhook->retry_count; i++)
            json_write_int(w, webhook->retry_s[i]);
        json_write_end_array(w);
    } else {
        json_write_null(w);
    }
    json_write_member_int(w, "max_in_flight", webhook->max_in_flight);
    print_rate(w, webhook);
}

// The fields that people set, but for the secrets.
static void print_fields(struct json_writer *w, const struct webhook *webhook,
                         const struct printing *printing)
{
    json_write_name(w, "uuid");
    json_write_uid(w, &webhook->uuid);
    json_write_member_string(w, "name", webhook->name);
    json_write_member_string(w, "tenant", webhook->tenant);
    print_target(w, webhook, printing->is_masked);
    print_texts(w, "events", webhook->events, webhook->event_count);
    json_write_member_bool(w, "is_active", webhook->is_active);
    json_write_member_bool(w, "is_paused", webhook->is_paused);
    json_write_member_raw(w, "extra_payload",
                          webhook->extra_payload.len ? webhook->extra_payload : SPAN("{}"));
    json_write_member_text(w, "extra_payload_into",
                           webhook->extra_payload_into_data ? "data" : "body");
    print_headers(w, webhook, printing->is_masked);
    json_write_member_raw(w, "metadata", webhook->metadata.len ? webhook->metadata : SPAN("{}"));
    print_scripts(w, webhook, printing);
    print_limits(w, webhook);
}

void webhook_print_members(const struct webhook *webhook, enum webhook_print how,
                           webhook_options_fn *write_options, void *context, struct json_writer *w)
{
    struct printing printing = {how == WEBHOOK_FOR_VIEWER, write_options, context};
    print_fields(w, webhook, &printing);
    if (how == WEBHOOK_FOR_EDIT)
        return;
    json_write_name(w, "secrets");
    webhook_print_secrets(webhook, how == WEBHOOK_FOR_STORE, w);
    json_write_member_text(w, "disabled_reason", webhook_disabled_name(webhook->disabled));
    json_write_name(w, "disabled_at");
    json_write_date_ms(w, webhook->disabled_ms);
    json_write_member_int(w, "revision", webhook->revision);
    json_write_name(w, "created_at");
    json_write_date_ms(w, webhook->created_ms);
    json_write_name(w, "updated_at");
    json_write_date_ms(w, webhook->updated_ms);
}

void webhook_print(const struct webhook *webhook, enum webhook_print how, struct json_writer *w)
{
    json_write_object(w);
    webhook_print_members(webhook, how, NULL, NULL, w);
    json_write_end_object(w);
}

void webhook_keep_secrets(struct webhook *fresh, const struct webhook *from)
{
    for (uint32_t i = 0; i < from->secret_count; i++) {
        const struct webhook_secret *secret = &from->secrets[i];
        fresh->secrets[i] = (struct webhook_secret){
            .id = arena_copy(&fresh->arena, secret->id),
            .text = arena_copy(&fresh->arena, secret->text),
            .created_ms = secret->created_ms,
            .expires_ms = secret->expires_ms,
        };
    }
    fresh->secret_count = from->secret_count;
    fresh->has_new_secret = false;
}
