// SPDX-License-Identifier: MIT
// From event and webhook to the bytes of a request (webhook.md, The body, The headers); any thread.
#include "model/request.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"
#include "base/http_header.h"
#include "crypto/mac.h"
#include "json/json_edit.h"
#include "json/json_write.h"

#ifndef GRAPNEL_VERSION
#    define GRAPNEL_VERSION "dev"
#endif

// Bytes that all expanded headers may have together.
#define MAX_EXPANDED 65536
#define MAX_ENVELOPE (6 * WEBHOOK_MAX_TARGET + 6 * EVENT_MAX_NAME + 256)

size_t request_bound(const struct event *event, const struct webhook *webhook)
{
    // Body twice (before and after the merge), headers, room for what an answer and scripts bring.
    return 2 * (event->payload.len + webhook->extra_payload.len + MAX_ENVELOPE) + MAX_EXPANDED +
           16384;
}

// ---- headers -----------------------------------------------------------------------------------

static bool is_word(char c, bool is_first)
{
    return c == '_' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (!is_first && c >= '0' && c <= '9');
}

// The name in a placeholder that begins at `text` ("{{NAME}}", "{{ NAME }}"); its length, or 0.
static size_t placeholder(struct span text, struct span *name)
{
    size_t i = 2;
    if (text.len < 5 || text.at[0] != '{' || text.at[1] != '{')
        return 0;
    while (i < text.len && text.at[i] == ' ')
        i++;
    size_t begin = i;
    while (i < text.len && is_word(text.at[i], i == begin))
        i++;
    *name = span_make(text.at + begin, i - begin);
    while (i < text.len && text.at[i] == ' ')
        i++;
    if (name->len == 0 || i + 2 > text.len || text.at[i] != '}' || text.at[i + 1] != '}')
        return 0;
    return i + 2;
}

void request_expand(struct buf *out, struct span value, const struct hook_env *env)
{
    if (env == NULL || env->count == 0) {
        (void)buf_append_span(out, value);
        return;
    }
    for (size_t i = 0; i < value.len;) {
        struct span name;
        size_t len = placeholder(span_make(value.at + i, value.len - i), &name);
        if (len == 0) {
            (void)buf_append_char(out, value.at[i++]);
            continue;
        }
        for (size_t k = 0; k < env->count; k++) {
            if (span_eq(env->values[k].name, name))
                (void)buf_append_span(out, env->values[k].value);
        }
        i += len;
    }
}

static void put_header(struct attempt *attempt, struct span name, struct span value)
{
    for (uint32_t i = 0; i < attempt->header_count; i++) {
        if (span_eq_nocase(attempt->headers[i].name, name)) {
            attempt->headers[i] = (struct header){name, value};
            return;
        }
    }
    attempt->headers[attempt->header_count++] = (struct header){name, value};
}

static enum err build_headers(struct attempt *attempt, const struct event *event,
                              const struct webhook *webhook, const struct hook_env *env)
{
    char id[UID_TEXT_LEN + 1];
    struct buf value;
    attempt->headers = arena_alloc(&attempt->arena, (5 + (size_t)webhook->extra_header_count) *
                                                        sizeof *attempt->headers);
    attempt->header_count = 0;
    uid_print(&event->id, id);
    put_header(attempt, SPAN("Content-Type"), SPAN("application/json"));
    put_header(attempt, SPAN("User-Agent"), SPAN("grapnel/" GRAPNEL_VERSION));
    put_header(attempt, SPAN("webhook-id"), arena_copy(&attempt->arena, span_of(id)));
    put_header(attempt, SPAN("webhook-timestamp"),
               span_of(arena_format(&attempt->arena, "%" PRId64, attempt->started_ms / 1000)));
    if (event->traceparent.len > 0)
        put_header(attempt, SPAN("traceparent"), arena_copy(&attempt->arena, event->traceparent));
    buf_init(&value, MAX_EXPANDED);
    for (uint32_t i = 0; i < webhook->extra_header_count; i++) {
        const struct header *extra = &webhook->extra_headers[i];
        size_t begin = value.len;
        request_expand(&value, extra->value, env);
        if (value.is_full)
            break;
        put_header(attempt, arena_copy(&attempt->arena, extra->name),
                   arena_copy(&attempt->arena,
                              span_make(value.at ? value.at + begin : NULL, value.len - begin)));
    }
    enum err err = value.is_full ? ERR_FULL : OK;
    buf_deinit(&value);
    return err;
}

// ---- the body ----------------------------------------------------------------------------------

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// {"hook":{"uuid":…,"event":…,"target":…}
static void open_envelope(struct buf *out, const struct event *event, const struct webhook *webhook)
{
    char uuid[UID_TEXT_LEN + 1];
    uid_print(&webhook->uuid, uuid);
    (void)buf_append_text(out, "{\"hook\":{\"uuid\":\"");
    (void)buf_append(out, uuid, UID_TEXT_LEN);
    (void)buf_append_text(out, "\",\"event\":\"");
    (void)buf_append_span(out, event->name); // its alphabet needs no escape
    (void)buf_append_text(out, "\",\"target\":");
    json_write_quoted(out, webhook->target);
    (void)buf_append_char(out, '}');
}

// The body before scripts and extra_payload; `data_at` gets the payload's place in it, which is what
// scripts see as event.data.
static struct span envelope(struct arena *arena, const struct event *event,
                            const struct webhook *webhook, size_t *data_at)
{
    struct span rest = event->payload;
    struct span close = {NULL, 0};
    struct buf open;
    buf_init(&open, MAX_ENVELOPE);
    if (event->form == EVENT_DATA) {
        open_envelope(&open, event, webhook);
        (void)buf_append_text(&open, ",\"data\":");
        close = SPAN("}");
    } else if (event->form == EVENT_FIELDS) {
        size_t i = 1; // behind the brace; decoding has seen that it is an object
        open_envelope(&open, event, webhook);
        while (i < rest.len && is_space(rest.at[i]))
            i++;
        if (rest.at[i] != '}')
            (void)buf_append_char(&open, ',');
        rest = span_make(rest.at + i, rest.len - i);
    }
    CHECK(!open.is_full);
    char *at = arena_alloc(arena, open.len + rest.len + close.len + 1);
    if (open.len > 0)
        memcpy(at, open.at, open.len);
    memcpy(at + open.len, rest.at, rest.len);
    if (close.len > 0)
        memcpy(at + open.len + rest.len, close.at, close.len);
    struct span body = {at, open.len + rest.len + close.len};
    *data_at = event->form == EVENT_FIELDS ? SIZE_MAX : open.len;
    buf_deinit(&open);
    return body;
}

static void merge(struct attempt *attempt, const struct webhook *webhook)
{
    struct json_doc doc;
    struct json_doc patch;
    struct json_error error;
    struct buf merged;
    json_init(&doc);
    json_init(&patch);
    buf_init(&merged, attempt->body.len + webhook->extra_payload.len + 16);
    CHECK(json_parse(&doc, attempt->body, JSON_MAX_DEPTH * 2, &error) == OK);
    CHECK(json_parse(&patch, webhook->extra_payload, JSON_MAX_DEPTH, &error) == OK);
    if (json_type(&doc, 0) == JSON_OBJECT) {
        uint32_t data =
            webhook->extra_payload_into_data ? json_get(&doc, 0, SPAN("data")) : JSON_NONE;
        if (data != JSON_NONE && json_type(&doc, data) == JSON_OBJECT)
            CHECK(json_edit_merge_into(&merged, &doc, 0, data, &patch, 0) == OK);
        else
            CHECK(json_edit_merge(&merged, &doc, 0, &patch, 0) == OK);
        attempt->body = arena_copy(&attempt->arena, buf_span(&merged));
    }
    buf_deinit(&merged);
    json_deinit(&patch);
    json_deinit(&doc);
}

enum err request_build(struct attempt *attempt, const struct event *event,
                       const struct webhook *webhook, const struct hook_env *env, bool for_scripts,
                       size_t *data_at)
{
    size_t at;
    attempt->method = SPAN("POST");
    attempt->url = arena_copy(&attempt->arena, webhook->target);
    attempt->timeout_ms = webhook->timeout_ms;
    attempt->revision = webhook->revision;
    if (build_headers(attempt, event, webhook, env) != OK)
        return ERR_FULL;
    attempt->body = envelope(&attempt->arena, event, webhook, &at);
    if (data_at != NULL)
        *data_at = at;
    if (for_scripts)
        return OK;
    if (webhook->extra_payload.len > 0)
        merge(attempt, webhook);
    attempt->body_len = (uint32_t)attempt->body.len;
    mac_digest(MAC_SHA256, attempt->body, attempt->body_sha256);
    return OK;
}
