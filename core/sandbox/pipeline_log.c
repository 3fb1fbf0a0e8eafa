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

// A text on its way to people.
struct masking {
    struct buf from, to; // the text, and room for the next one
    bool is_cut;         // it was longer
};

// The text was cut: does it end with the beginning of the secret? Then so much of it goes.
static void drop_beginning(struct buf *text, struct span secret)
{
    size_t most = secret.len - 1 < text->len ? secret.len - 1 : text->len;
    for (size_t len = most; len >= MIN_SECRET; len--) {
        if (memcmp(text->at + text->len - len, secret.at, len) != 0)
            continue;
        text->len -= len;
        return;
    }
}

static void mask_one(struct masking *m, struct span secret)
{
    if (secret.len < MIN_SECRET || !m->from.len)
        return;
    if (m->is_cut)
        drop_beginning(&m->from, secret);
    if (!m->from.len || !memmem(m->from.at, m->from.len, secret.at, secret.len))
        return;
    buf_clear(&m->to);
    append_masked(&m->to, buf_span(&m->from), secret);
    buf_clear(&m->from);
    buf_append_span(&m->from, buf_span(&m->to));
}

// A webhook's secret, and what stands behind its prefix.
static void mask_secret(struct masking *m, struct span secret)
{
    mask_one(m, secret);
    if (span_starts_with(secret, SPAN("whsec_")))
        mask_one(m, span_make(secret.at + 6, secret.len - 6));
    else if (span_starts_with(secret, SPAN("whsk_")))
        mask_one(m, span_make(secret.at + 5, secret.len - 5));
}

// Secrets among the running use's options, as far as they have been converted. Never throws:
// only reads.
static void mask_options(const struct pipeline_script *script, struct masking *m)
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
                mask_one(m, secret);
                lua_pop(L, 1); // cache key entry secrets
            }
            break;
        }
        lua_pop(L, 1); // cache key
    }
    lua_settop(L, top);
}

// For terminals: control characters, also those of two bytes, become spaces.
static void clean(struct buf *text)
{
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->at[i];
        unsigned char next = i + 1 < text->len ? (unsigned char)text->at[i + 1] : 0;
        if (c == 0xc2 && next >= 0x80 && next < 0xa0)
            text->at[i] = text->at[i + 1] = ' ';
        else if (c < ' ' || c == 0x7f)
            text->at[i] = ' ';
    }
}

struct span pipeline_mask(struct pipeline *pipeline, struct span text)
{
    struct masking m = {.is_cut = text.len > PIPELINE_REASON};
    const struct visit_in *in = pipeline->in;
    text.len = m.is_cut ? PIPELINE_REASON : text.len;
    while (m.is_cut && text.len && ((unsigned char)text.at[text.len] & 0xc0) == 0x80)
        text.len--; // never half a character
    buf_init(&m.from, PIPELINE_REASON * 8);
    buf_init(&m.to, PIPELINE_REASON * 8);
    buf_append_span(&m.from, text);
    for (size_t i = 0; in && i < in->secret_count; i++)
        mask_secret(&m, in->secrets[i]);
    if (in && pipeline->cursor < pipeline->step_count && pipeline->steps[pipeline->cursor].script)
        mask_options(pipeline->steps[pipeline->cursor].script, &m);
    clean(&m.from);
    struct span masked = buf_span(&m.from);
    masked.len = masked.len > PIPELINE_REASON ? PIPELINE_REASON : masked.len;
    while (masked.len < m.from.len && masked.len &&
           ((unsigned char)m.from.at[masked.len] & 0xc0) == 0x80)
        masked.len--; // never half a character
    masked = arena_copy(&pipeline->arena, masked);
    buf_deinit(&m.from);
    buf_deinit(&m.to);
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
    struct span masked = pipeline_mask(pipeline, line);
    size_t before = logs->len;
    buf_append_format(logs, "%s %s: ", level, script->name);
    buf_append_span(logs, masked);
    buf_append_char(logs, '\n');
    if (logs->is_full) // the line that did not fit goes as a whole, and all after it
        logs->len = before;
}
