// SPDX-License-Identifier: MIT
// Lines that scripts write, bounded, and the masking of secrets in all that people see. Script host only.
#include <lauxlib.h>

#include "sandbox/pipeline_inside.h"

#define MAX_LINE   1024 // bytes
#define MIN_SECRET 4    // shorter ones would mask words

static const char mask[] = "[secret]";

// Appends `text` with each `secret` in it replaced.
static void append_masked(struct buf *out, struct span text, struct span secret)
{
    if (secret.len < MIN_SECRET) {
        buf_append_span(out, text);
        return;
    }
    const char *found;
    while (text.len && (found = memmem(text.at, text.len, secret.at, secret.len)) != NULL) {
        size_t before = (size_t)(found - text.at);
        buf_append(out, text.at, before);
        buf_append_text(out, mask);
        text.at += before + secret.len;
        text.len -= before + secret.len;
    }
    buf_append_span(out, text);
}

static void mask_one(struct buf *from, struct buf *to, struct span secret)
{
    if (secret.len < MIN_SECRET || !from->len ||
        !memmem(from->at, from->len, secret.at, secret.len))
        return;
    buf_clear(to);
    append_masked(to, buf_span(from), secret);
    buf_clear(from);
    buf_append_span(from, buf_span(to));
}

// A webhook's secret, and what stands behind its prefix.
static void mask_secret(struct buf *from, struct buf *to, struct span secret)
{
    mask_one(from, to, secret);
    if (span_starts_with(secret, SPAN("whsec_")))
        mask_one(from, to, span_make(secret.at + 6, secret.len - 6));
    else if (span_starts_with(secret, SPAN("whsk_")))
        mask_one(from, to, span_make(secret.at + 5, secret.len - 5));
}

// Secrets among the running use's options, as far as they have been converted. Never throws:
// only reads.
static void mask_options(const struct pipeline_script *script, struct buf *from, struct buf *to)
{
    lua_State *L = script->L;
    const struct visit_in *in = script->pipeline->in;
    struct span json = in->scripts[script->index].options;
    int top = lua_gettop(L);
    if (!lua_checkstack(L, 6))
        return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, script->converted); // cache
    lua_pushnil(L);                                       // cache nil
    while (lua_next(L, top + 1)) {                        // cache key entry
        struct span key = {0};
        if (lua_type(L, -2) == LUA_TSTRING)
            key.at = lua_tolstring(L, -2, &key.len);
        if (key.at && span_eq(key, json) && lua_istable(L, -1)) {
            lua_rawgeti(L, -1, 2); // cache key entry secrets
            for (lua_Integer i = 1; lua_rawgeti(L, top + 4, i) == LUA_TSTRING; i++) {
                struct span secret;
                secret.at = lua_tolstring(L, -1, &secret.len);
                mask_one(from, to, secret);
                lua_pop(L, 1); // cache key entry secrets
            }
            break;
        }
        lua_pop(L, 1); // cache key
    }
    lua_settop(L, top);
}

struct span pipeline_mask(struct pipeline *pipeline, struct span text)
{
    struct buf from;
    struct buf to;
    const struct visit_in *in = pipeline->in;
    text.len = text.len > PIPELINE_REASON ? PIPELINE_REASON : text.len;
    buf_init(&from, PIPELINE_REASON * 8);
    buf_init(&to, PIPELINE_REASON * 8);
    buf_append_span(&from, text);
    for (size_t i = 0; i < in->secret_count; i++)
        mask_secret(&from, &to, in->secrets[i]);
    if (pipeline->cursor < pipeline->step_count && pipeline->steps[pipeline->cursor].script)
        mask_options(pipeline->steps[pipeline->cursor].script, &from, &to);
    struct span masked = buf_span(&from);
    masked.len = masked.len > PIPELINE_REASON ? PIPELINE_REASON : masked.len;
    while (masked.len < from.len && masked.len &&
           ((unsigned char)from.at[masked.len] & 0xc0) == 0x80)
        masked.len--; // never half a character
    masked = arena_copy(&pipeline->arena, masked);
    buf_deinit(&from);
    buf_deinit(&to);
    return masked;
}

void pipeline_log(void *context, const char *level, struct span line)
{
    struct pipeline_script *script = context;
    struct pipeline *pipeline = script->pipeline;
    struct buf *logs = &pipeline->logs;
    if (!pipeline->in || logs->is_full)
        return;
    // A log of nothing but masking would still be bounded by the arena.
    if (pipeline->text_used > PIPELINE_TEXT - MAX_LINE)
        return;
    pipeline->text_used += MAX_LINE;
    line.len = line.len > MAX_LINE ? MAX_LINE : line.len;
    struct span masked = pipeline_mask(pipeline, line);
    size_t before = logs->len;
    buf_append_format(logs, "%s %s: ", level, script->name);
    for (size_t i = 0; i < masked.len; i++) {
        char c = masked.at[i];
        buf_append_char(logs, (unsigned char)c < ' ' ? ' ' : c);
    }
    buf_append_char(logs, '\n');
    if (logs->is_full) // the line that did not fit goes as a whole, and all after it
        logs->len = before;
}
