// SPDX-License-Identifier: MIT
// Reads a webhook from JSON, field by field, and says of each what is wrong; any thread.
// (webhook.md, Fields)
#include <stdio.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/http_header.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "crypto/secret.h"
#include "json/json.h"
#include "model/event.h"
#include "model/webhook_secret.h"

// What one call works on.
struct reading {
    struct webhook *webhook;
    const struct webhook_rules *rules;
    struct problems *problems;
    struct json_doc doc;
    bool has_target, has_events, has_uuid;
};

static struct span text_of(struct reading *r, uint32_t string)
{
    char *at = arena_alloc(&r->webhook->arena, json_inside(&r->doc, string).len + 1);
    size_t len = json_decode_string(&r->doc, string, at);
    at[len] = 0;
    return span_make(at, len);
}

static bool is_type(struct reading *r, uint32_t value, enum json_type type, const char *field,
                    const char *wanted)
{
    if (json_type(&r->doc, value) == type)
        return true;
    problem_add(r->problems, field, "must be %s", wanted);
    return false;
}

static bool read_text(struct reading *r, uint32_t value, const char *field, size_t max,
                      struct span *out)
{
    if (!is_type(r, value, JSON_STRING, field, "a string"))
        return false;
    struct span text = text_of(r, value);
    if (text.len > max) {
        problem_add(r->problems, field, "is longer than %zu bytes", max);
        return false;
    }
    if (memchr(text.at, 0, text.len) != NULL) {
        problem_add(r->problems, field, "holds a NUL character");
        return false;
    }
    *out = text;
    return true;
}

static void read_bool(struct reading *r, uint32_t value, const char *field, bool *out)
{
    enum json_type type = json_type(&r->doc, value);
    if (type != JSON_TRUE && type != JSON_FALSE)
        problem_add(r->problems, field, "must be true or false");
    else
        *out = type == JSON_TRUE;
}

static bool read_int(struct reading *r, uint32_t value, const char *field, int64_t min, int64_t max,
                     uint32_t *out)
{
    int64_t number;
    if (json_type(&r->doc, value) != JSON_NUMBER || !json_to_int64(&r->doc, value, &number) ||
        number < min || number > max) {
        problem_add(r->problems, field, "must be a whole number from %lld to %lld", (long long)min,
                    (long long)max);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

// ---- one function per field ------------------------------------------------------------------

static void read_UUID(struct reading *r, uint32_t value)
{
    struct span text;
    if (!read_text(r, value, "uuid", 64, &text))
        return;
    r->has_uuid = uid_parse(text, &r->webhook->uuid) && !uid_is_nil(&r->webhook->uuid);
    if (!r->has_uuid)
        problem_add(r->problems, "uuid", "is no UUID (8-4-4-4-12 hexadecimal digits)");
}

// What people were shown may come back: it stands for what is there.
static void keep_target(struct reading *r)
{
    const struct webhook *have = r->rules->have;
    struct buf shown;
    if (have == NULL)
        return;
    buf_init(&shown, WEBHOOK_MAX_TARGET + 8);
    webhook_shown_target(have->target, &shown);
    if (span_eq(buf_span(&shown), r->webhook->target))
        r->webhook->target = arena_copy(&r->webhook->arena, have->target);
    buf_deinit(&shown);
}

static struct span keep_header(struct reading *r, struct span name, struct span value)
{
    const struct webhook *have = r->rules->have;
    for (uint32_t i = 0; have != NULL && i < have->extra_header_count; i++) {
        if (span_is(value, WEBHOOK_MASK) && span_eq_nocase(have->extra_headers[i].name, name))
            return arena_copy(&r->webhook->arena, have->extra_headers[i].value);
    }
    return value;
}

static void read_TARGET(struct reading *r, uint32_t value)
{
    struct errmsg why;
    if (!read_text(r, value, "target", WEBHOOK_MAX_TARGET, &r->webhook->target))
        return;
    r->has_target = true;
    keep_target(r);
    if (r->rules->refuses_target != NULL &&
        r->rules->refuses_target(r->rules->context, r->webhook->target, &why))
        problem_add(r->problems, "target", "%s", why.text);
}

static bool is_known_event(const struct webhook_rules *rules, struct span name)
{
    if (rules->known_events == NULL || rules->is_stored ||
        span_starts_with(name, SPAN(EVENT_ENGINE_PREFIX)))
        return true;
    if (name.at[name.len - 1] == '*')
        return true; // patterns may be used freely
    for (size_t i = 0; i < rules->known_event_count; i++) {
        if (span_eq(rules->known_events[i], name))
            return true;
    }
    return false;
}

static void add_event(struct reading *r, uint32_t value, const char *field)
{
    struct webhook *webhook = r->webhook;
    struct span pattern;
    if (!read_text(r, value, field, EVENT_MAX_NAME, &pattern))
        return;
    if (!webhook_pattern_is_valid(pattern)) {
        problem_add(r->problems, field,
                    "\"%.*s\" is no event name (1-128 of A-Z a-z 0-9 _ . -), no * and no prefix.*",
                    SPAN_ARGS(pattern));
        return;
    }
    if (!is_known_event(r->rules, pattern)) {
        problem_add(r->problems, field, "\"%.*s\" is not in the configured list of events",
                    SPAN_ARGS(pattern));
        return;
    }
    if (webhook->event_count == WEBHOOK_MAX_EVENTS) {
        problem_add(r->problems, field, "has more than %d entries", WEBHOOK_MAX_EVENTS);
        return;
    }
    webhook->events[webhook->event_count++] = pattern;
    r->has_events = true;
}

static void read_EVENTS(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t element;
    if (!is_type(r, value, JSON_ARRAY, "events", "a list of names and patterns"))
        return;
    while (json_next_element(&r->doc, value, &at, &element))
        add_event(r, element, "events");
}

static void read_EVENT(struct reading *r, uint32_t value)
{
    add_event(r, value, "event");
}

static void read_IS_ACTIVE(struct reading *r, uint32_t value)
{
    read_bool(r, value, "is_active", &r->webhook->is_active);
}

static void read_IS_PAUSED(struct reading *r, uint32_t value)
{
    read_bool(r, value, "is_paused", &r->webhook->is_paused);
}

static bool has_duplicates(struct reading *r, uint32_t object, const char *field)
{
    uint32_t name = json_duplicate(&r->doc, object);
    if (name == JSON_NONE)
        return false;
    struct span text = text_of(r, name);
    problem_add(r->problems, field, "holds the name \"%.*s\" twice", SPAN_ARGS(text));
    return true;
}

static void read_object(struct reading *r, uint32_t value, const char *field, struct span *out)
{
    if (json_type(&r->doc, value) == JSON_NULL)
        return;
    if (!is_type(r, value, JSON_OBJECT, field, "a JSON object") || has_duplicates(r, value, field))
        return;
    if (r->doc.nodes[value].count > 0)
        *out = arena_copy(&r->webhook->arena, json_raw(&r->doc, value));
}

static void read_EXTRA_PAYLOAD(struct reading *r, uint32_t value)
{
    read_object(r, value, "extra_payload", &r->webhook->extra_payload);
}

static void read_EXTRA_PAYLOAD_INTO(struct reading *r, uint32_t value)
{
    struct span text = {NULL, 0};
    if (!read_text(r, value, "extra_payload_into", 16, &text))
        return;
    if (!span_is(text, "body") && !span_is(text, "data"))
        problem_add(r->problems, "extra_payload_into", "must be \"body\" or \"data\"");
    r->webhook->extra_payload_into_data = span_is(text, "data");
}

static void add_header(struct reading *r, uint32_t name_node, uint32_t value)
{
    struct webhook *webhook = r->webhook;
    struct span name = text_of(r, name_node);
    struct span text;
    char field[160];
    snprintf(field, sizeof field, "extra_headers.%.*s", SPAN_ARGS(name));
    if (!is_type(r, value, JSON_STRING, field, "a string"))
        return;
    text = keep_header(r, name, text_of(r, value));
    enum http_header_verdict verdict = http_header_check(name, text);
    if (verdict != HTTP_HEADER_OK) {
        problem_add(r->problems, field, "header \"%.*s\" %s", SPAN_ARGS(name),
                    http_header_reason(verdict));
        return;
    }
    for (uint32_t i = 0; i < webhook->extra_header_count; i++) {
        if (span_eq_nocase(webhook->extra_headers[i].name, name)) {
            problem_add(r->problems, field, "stands twice (names compare without case)");
            return;
        }
    }
    webhook->extra_headers[webhook->extra_header_count++] = (struct header){name, text};
}

static void read_EXTRA_HEADERS(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t element;
    uint32_t count = r->doc.nodes[value].count;
    size_t bytes = 0;
    if (json_type(&r->doc, value) == JSON_NULL)
        return;
    if (!is_type(r, value, JSON_OBJECT, "extra_headers", "an object of strings"))
        return;
    if (count > HTTP_HEADER_MAX_COUNT) {
        problem_add(r->problems, "extra_headers", "has more than %d headers",
                    HTTP_HEADER_MAX_COUNT);
        return;
    }
    r->webhook->extra_header_count = 0;
    r->webhook->extra_headers =
        arena_zalloc(&r->webhook->arena, (count + 1) * sizeof *r->webhook->extra_headers);
    while (json_next_member(&r->doc, value, &at, &name, &element))
        add_header(r, name, element);
    for (uint32_t i = 0; i < r->webhook->extra_header_count; i++)
        bytes += r->webhook->extra_headers[i].name.len + r->webhook->extra_headers[i].value.len;
    if (bytes > HTTP_HEADER_MAX_BYTES)
        problem_add(r->problems, "extra_headers", "hold more than %d bytes in all",
                    HTTP_HEADER_MAX_BYTES);
}

static void read_TENANT(struct reading *r, uint32_t value)
{
    struct span text;
    if (!read_text(r, value, "tenant", 128, &text))
        return;
    if (!event_name_is_valid(text))
        problem_add(r->problems, "tenant", "must be 1-128 of A-Z a-z 0-9 _ . -");
    r->webhook->tenant = text;
}

static void read_NAME(struct reading *r, uint32_t value)
{
    (void)read_text(r, value, "name", 200, &r->webhook->name);
}

static void read_METADATA(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t element;
    read_object(r, value, "metadata", &r->webhook->metadata);
    while (json_type(&r->doc, value) == JSON_OBJECT &&
           json_next_member(&r->doc, value, &at, &name, &element)) {
        if (json_type(&r->doc, element) != JSON_STRING) {
            problem_add(r->problems, "metadata", "must be an object of strings");
            return;
        }
    }
    if (r->webhook->metadata.len > 8192)
        problem_add(r->problems, "metadata", "is longer than 8192 bytes");
}

static bool script_name_is_valid(struct span name)
{
    if (name.len == 0 || name.len > 64 || name.at[0] == '-')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

static void read_script(struct reading *r, uint32_t value, uint32_t index)
{
    struct webhook_script *script = &r->webhook->scripts[r->webhook->script_count++];
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t element;
    char field[64];
    snprintf(field, sizeof field, "scripts.%u", index);
    if (!is_type(r, value, JSON_OBJECT, field, "an object {name, version?, options}"))
        return;
    while (json_next_member(&r->doc, value, &at, &name, &element)) {
        if (json_string_is(&r->doc, name, SPAN("name")))
            (void)read_text(r, element, field, 64, &script->name);
        else if (json_string_is(&r->doc, name, SPAN("version")))
            (void)read_text(r, element, field, 64, &script->version);
        else if (json_string_is(&r->doc, name, SPAN("options")))
            read_object(r, element, field, &script->options);
        else
            problem_add(r->problems, field, "has only name, version and options");
    }
    if (!script_name_is_valid(script->name))
        problem_add(r->problems, field, "needs a name: [a-z0-9][a-z0-9-]*");
}

static void read_SCRIPTS(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t element;
    uint32_t index = 0;
    if (!is_type(r, value, JSON_ARRAY, "scripts", "a list of {name, version?, options}"))
        return;
    if (r->doc.nodes[value].count > WEBHOOK_MAX_SCRIPTS) {
        problem_add(r->problems, "scripts", "has more than %d entries", WEBHOOK_MAX_SCRIPTS);
        return;
    }
    while (json_next_element(&r->doc, value, &at, &element))
        read_script(r, element, index++);
}

static void read_secret_member(struct reading *r, struct webhook_secret *secret, uint32_t name,
                               uint32_t value)
{
    struct span text;
    if (json_type(&r->doc, value) != JSON_STRING)
        return;
    text = text_of(r, value);
    if (json_string_is(&r->doc, name, SPAN("secret")))
        secret->text = text;
    else if (json_string_is(&r->doc, name, SPAN("id")))
        secret->id = text;
    else if (json_string_is(&r->doc, name, SPAN("created_at")))
        (void)date_parse_ms(text, &secret->created_ms);
    else if (json_string_is(&r->doc, name, SPAN("expires_at")))
        (void)date_parse_ms(text, &secret->expires_ms);
}

static void copy_secret(struct reading *r, const struct webhook_secret *from,
                        struct webhook_secret *to)
{
    *to = (struct webhook_secret){.id = arena_copy(&r->webhook->arena, from->id),
                                  .text = arena_copy(&r->webhook->arena, from->text),
                                  .created_ms = from->created_ms,
                                  .expires_ms = from->expires_ms};
}

// A list that comes back with an object as the API shows it, with the mask, or with the same text:
// the secret that is there stays, with its id and its end.
static bool keep_secret(struct reading *r, uint32_t value, uint32_t index,
                        struct webhook_secret *secret)
{
    const struct webhook *have = r->rules->have;
    bool is_object = json_type(&r->doc, value) == JSON_OBJECT;
    uint32_t id = is_object ? json_get(&r->doc, value, SPAN("id")) : value;
    for (uint32_t i = 0; have != NULL && i < have->secret_count; i++) {
        const struct webhook_secret *from = &have->secrets[i];
        bool is_one = id != JSON_NONE && json_type(&r->doc, id) == JSON_STRING &&
                      json_string_is(&r->doc, id, is_object ? from->id : from->text);
        bool is_mask =
            !is_object && i == index && json_string_is(&r->doc, value, SPAN(WEBHOOK_MASK));
        if (!is_one && !is_mask)
            continue;
        copy_secret(r, from, secret);
        return true;
    }
    return false;
}

static void read_secret(struct reading *r, uint32_t value, uint32_t index)
{
    struct webhook_secret *secret = &r->webhook->secrets[r->webhook->secret_count++];
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t element;
    char field[64];
    enum secret_kind kind;
    struct errmsg why;
    snprintf(field, sizeof field, "secrets.%u", index);
    if (r->rules->is_stored && json_type(&r->doc, value) == JSON_OBJECT) {
        while (json_next_member(&r->doc, value, &at, &name, &element))
            read_secret_member(r, secret, name, element);
    } else if (keep_secret(r, value, index, secret)) {
        return;
    } else if (!is_type(r, value, JSON_STRING, field, "a string (whsec_..., whsk_... or plain)")) {
        return;
    } else {
        secret->text = text_of(r, value);
        secret->id = webhook_secret_new_id(&r->webhook->arena);
        secret->created_ms = clock_wall_ms();
    }
    if (span_is(secret->text, WEBHOOK_MASK))
        problem_add(r->problems, field, "is the mask that stands for a secret, not a secret");
    else if (secret_check(secret->text, &kind, &why) != OK)
        problem_add(r->problems, field, "%s", why.text);
}

static void read_SECRETS(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t element;
    uint32_t index = 0;
    if (!is_type(r, value, JSON_ARRAY, "secrets", "a list of strings"))
        return;
    if (r->doc.nodes[value].count > WEBHOOK_MAX_SECRETS) {
        problem_add(r->problems, "secrets", "has more than %d entries", WEBHOOK_MAX_SECRETS);
        return;
    }
    while (json_next_element(&r->doc, value, &at, &element))
        read_secret(r, element, index++);
}

static void read_TIMEOUT_MS(struct reading *r, uint32_t value)
{
    (void)read_int(r, value, "timeout_ms", 100, 60000, &r->webhook->timeout_ms);
}

static void read_RETRY(struct reading *r, uint32_t value)
{
    struct webhook *webhook = r->webhook;
    uint32_t at = value + 1;
    uint32_t element;
    if (json_type(&r->doc, value) == JSON_NULL)
        return;
    if (!is_type(r, value, JSON_ARRAY, "retry", "a list of seconds"))
        return;
    if (r->doc.nodes[value].count > WEBHOOK_MAX_RETRIES) {
        problem_add(r->problems, "retry", "has more than %d waits", WEBHOOK_MAX_RETRIES);
        return;
    }
    webhook->has_retry = true;
    while (json_next_element(&r->doc, value, &at, &element)) {
        if (!read_int(r, element, "retry", 0, 30 * 24 * 3600,
                      &webhook->retry_s[webhook->retry_count]))
            return;
        webhook->retry_count++;
    }
}

static void read_MAX_IN_FLIGHT(struct reading *r, uint32_t value)
{
    (void)read_int(r, value, "max_in_flight", 1, 1024, &r->webhook->max_in_flight);
}

static void read_rate(struct reading *r, uint32_t value)
{
    double rate = 0;
    if (json_type(&r->doc, value) != JSON_NUMBER || !json_to_double(&r->doc, value, &rate) ||
        rate < WEBHOOK_MIN_RATE || rate > WEBHOOK_MAX_RATE)
        problem_add(r->problems, "rate_limit.per_second", "must be a number from %g to %.0f",
                    WEBHOOK_MIN_RATE, WEBHOOK_MAX_RATE);
    else
        r->webhook->rate_per_second = rate;
}

static void read_RATE_LIMIT(struct reading *r, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t element;
    if (json_type(&r->doc, value) == JSON_NULL)
        return;
    if (!is_type(r, value, JSON_OBJECT, "rate_limit", "an object {per_second, burst?}") ||
        has_duplicates(r, value, "rate_limit"))
        return;
    if (json_get(&r->doc, value, SPAN("per_second")) == JSON_NONE)
        problem_add(r->problems, "rate_limit", "needs per_second: most requests in a second");
    while (json_next_member(&r->doc, value, &at, &name, &element)) {
        if (json_string_is(&r->doc, name, SPAN("per_second")))
            read_rate(r, element);
        else if (!json_string_is(&r->doc, name, SPAN("burst")))
            problem_add(r->problems, "rate_limit", "has only per_second and burst");
        else if (json_type(&r->doc, element) != JSON_NULL)
            (void)read_int(r, element, "rate_limit.burst", 1, WEBHOOK_MAX_BURST,
                           &r->webhook->rate_burst);
    }
}

// ---- the table -------------------------------------------------------------------------------

#define HONOURED(field) read_##field
#define REFUSED(field)  NULL
static const struct {
    const char *name;
    void (*read)(struct reading *r, uint32_t value); // NULL: known, but refused
} fields[] = {
#define X(field, name, since) {name, since(field)},
#include "model/webhook.def"
#undef X
};

static const char *const field_names[] = {
#define X(field, name, since) name,
#include "model/webhook.def"
#undef X
};

// What webhook_print adds for the store, and people may hand back unchanged.
static bool read_own(struct reading *r, struct span name, uint32_t value)
{
    static const char *const own[] = {"revision", "created_at", "updated_at", "disabled_reason",
                                      "disabled_at"};
    struct webhook *webhook = r->webhook;
    size_t i = 0;
    while (i < COUNT_OF(own) && !span_is(name, own[i]))
        i++;
    if (i == COUNT_OF(own) || !r->rules->is_stored)
        return false;
    struct span text = json_type(&r->doc, value) == JSON_STRING ? text_of(r, value) : SPAN("");
    if (span_is(name, "created_at"))
        (void)date_parse_ms(text, &webhook->created_ms);
    else if (span_is(name, "updated_at"))
        (void)date_parse_ms(text, &webhook->updated_ms);
    else if (span_is(name, "disabled_at"))
        (void)date_parse_ms(text, &webhook->disabled_ms);
    else if (span_is(name, "disabled_reason") && text.len > 0)
        webhook->disabled = span_is(text, "http_410")  ? WEBHOOK_HTTP_410
                            : span_is(text, "failing") ? WEBHOOK_FAILING
                            : span_is(text, "verdict") ? WEBHOOK_VERDICT
                                                       : WEBHOOK_OPERATOR;
    return true;
}

static void read_member(struct reading *r, uint32_t name_node, uint32_t value)
{
    struct span name = text_of(r, name_node);
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        if (!span_is(name, fields[i].name))
            continue;
        if (fields[i].read != NULL)
            fields[i].read(r, value);
        else if (span_is(name, "ordered") && json_string_is(&r->doc, value, SPAN("none")))
            return; // the default, spelled out
        else if (json_type(&r->doc, value) != JSON_NULL)
            problem_add(r->problems, fields[i].name,
                        "is not supported yet by this version; leave it out");
        return;
    }
    if (read_own(r, name, value))
        return;
    char field[80];
    snprintf(field, sizeof field, "%.*s", SPAN_ARGS(name));
    const char *nearest = nearest_name(name, field_names, COUNT_OF(field_names));
    if (nearest != NULL)
        problem_add(r->problems, field, "unknown field; did you mean \"%s\"?", nearest);
    else
        problem_add(r->problems, field, "unknown field");
}

static void check_whole(struct reading *r)
{
    struct webhook *webhook = r->webhook;
    if (!r->has_target && r->problems->count == 0)
        problem_add(r->problems, "target", "is required: the http(s) URL to send to");
    if (!r->has_events && r->problems->count == 0)
        problem_add(r->problems, "events", "is required: event names, prefix.* or *, at least one");
    if (!r->has_uuid)
        webhook->uuid = uid_random();
    if (webhook->secret_count == 0 && !r->rules->is_stored) {
        char text[SECRET_MAX_LEN + 1];
        secret_generate(SECRET_SYMMETRIC, text);
        webhook->secrets[webhook->secret_count++] =
            (struct webhook_secret){.id = webhook_secret_new_id(&webhook->arena),
                                    .text = arena_copy(&webhook->arena, span_of(text)),
                                    .created_ms = clock_wall_ms()};
        webhook->has_new_secret = true;
        mem_wipe(text, sizeof text);
    }
}

enum err webhook_parse(struct webhook **out, struct span json, const struct webhook_rules *rules,
                       struct problems *problems)
{
    struct reading r = {.rules = rules, .problems = problems};
    struct json_error error;
    uint32_t at = 1;
    uint32_t name;
    uint32_t value;
    size_t before = problems->count;

    if (json.len > WEBHOOK_MAX_JSON * (rules->is_stored ? 8u : 1u)) {
        problem_add(problems, "", "is longer than %d bytes", WEBHOOK_MAX_JSON);
        return ERR_SYNTAX;
    }
    json_init(&r.doc);
    r.webhook = xcalloc(1, sizeof *r.webhook);
    *r.webhook = (struct webhook){.magic = WEBHOOK_MAGIC,
                                  .refs = 1,
                                  .tenant = SPAN("default"),
                                  .is_active = true,
                                  .timeout_ms = 15000,
                                  .max_in_flight = 32};
    // Decoded texts, copied objects, and the alignment of each.
    arena_init(&r.webhook->arena, json.len * 16 + 16384);
    if (json_parse(&r.doc, json, JSON_MAX_DEPTH, &error) != OK) {
        problem_add(problems, "", "is no JSON: %s at byte %zu", error.message, error.offset);
    } else if (json_type(&r.doc, 0) != JSON_OBJECT) {
        problem_add(problems, "", "must be a JSON object");
    } else if (!has_duplicates(&r, 0, "")) {
        while (json_next_member(&r.doc, 0, &at, &name, &value))
            read_member(&r, name, value);
        check_whole(&r);
    }
    json_deinit(&r.doc);
    if (problems->count > before) {
        webhook_unref(r.webhook);
        return ERR_SYNTAX;
    }
    *out = r.webhook;
    return OK;
}

// Through the very text that the store would keep: so a copy is what a restart would read.
struct webhook *webhook_copy(const struct webhook *webhook)
{
    struct webhook_rules rules = {.is_stored = true};
    struct webhook *copy = NULL;
    struct problems problems;
    struct json_writer w;
    struct buf text;
    problems_init(&problems);
    buf_init(&text, (size_t)WEBHOOK_MAX_JSON * 8);
    json_write_init(&w, &text);
    webhook_print(webhook, WEBHOOK_FOR_STORE, &w);
    CHECK(webhook_parse(&copy, buf_span(&text), &rules, &problems) == OK);
    copy->number = webhook->number;
    copy->revision = webhook->revision;
    mem_wipe(text.at, text.len);
    buf_deinit(&text);
    problems_deinit(&problems);
    return copy;
}
