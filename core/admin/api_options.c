// SPDX-License-Identifier: MIT
// Options of scripts as the API shows them: those of type secret masked, and kept by a change that
// holds the mask; main only.
#include "admin/api.h"
#include "base/mem.h"
#include "model/webhook.h"

bool api_option_is_secret(const struct json_doc *specs, struct span name)
{
    static const char *const members[] = {"type", "of"};
    uint32_t at = 1;
    uint32_t spec = JSON_NONE;
    while (specs->count > 0 && json_next_element(specs, 0, &at, &spec)) {
        uint32_t node = json_get(specs, spec, SPAN("name"));
        if (node == JSON_NONE || !json_string_is(specs, node, name))
            continue;
        for (size_t i = 0; i < COUNT_OF(members); i++) {
            uint32_t type = json_get(specs, spec, span_of(members[i]));
            if (type != JSON_NONE && json_type(specs, type) == JSON_STRING &&
                json_string_is(specs, type, SPAN("secret")))
                return true;
        }
    }
    return false;
}

// A decoded member's name; freed by the caller.
static char *name_at(const struct json_doc *doc, uint32_t node, struct span *name)
{
    char *text = xmalloc(json_inside(doc, node).len + 1);
    *name = span_make(text, json_decode_string(doc, node, text));
    return text;
}

// ---- showing ----

// A secret, or a list or map of them: each value is masked, so that people see how many there are.
static void write_masked(struct json_writer *w, const struct json_doc *doc, uint32_t value)
{
    uint32_t at = value + 1;
    uint32_t name;
    uint32_t inner;
    enum json_type type = json_type(doc, value);
    if (type == JSON_ARRAY) {
        json_write_array(w);
        while (json_next_element(doc, value, &at, &inner))
            json_write_text(w, WEBHOOK_MASK);
        json_write_end_array(w);
    } else if (type == JSON_OBJECT) {
        json_write_object(w);
        while (json_next_member(doc, value, &at, &name, &inner)) {
            struct span text;
            char *owned = name_at(doc, name, &text);
            json_write_name_span(w, text);
            json_write_text(w, WEBHOOK_MASK);
            xfree(owned);
        }
        json_write_end_object(w);
    } else {
        json_write_text(w, WEBHOOK_MASK);
    }
}

void api_write_options(void *context, const struct webhook *webhook,
                       const struct webhook_script *script, struct json_writer *w)
{
    struct api_call *call = context;
    struct script_info info = {0};
    struct json_doc specs;
    struct json_doc doc;
    struct json_error error;
    uint32_t at = 1;
    uint32_t name;
    uint32_t value;
    json_init(&specs);
    json_init(&doc);
    bool is_known = script_find(call->admin->env.script, webhook->tenant, script->name,
                                script->version, &info) &&
                    json_parse(&specs, info.options, JSON_MAX_DEPTH, &error) == OK;
    json_write_object(w);
    bool has_any = script->options.len > 0 &&
                   json_parse(&doc, script->options, JSON_MAX_DEPTH, &error) == OK &&
                   json_type(&doc, 0) == JSON_OBJECT;
    while (has_any && json_next_member(&doc, 0, &at, &name, &value)) {
        struct span text;
        char *owned = name_at(&doc, name, &text);
        json_write_name_span(w, text);
        // Of a script that is gone nobody knows which of its options were secrets.
        if (!is_known || api_option_is_secret(&specs, text))
            write_masked(w, &doc, value);
        else
            json_write_raw(w, json_raw(&doc, value));
        xfree(owned);
    }
    json_write_end_object(w);
    json_deinit(&doc);
    json_deinit(&specs);
}

// ---- keeping ----

struct keeping {
    const struct json_doc *fresh, *have;
    struct json_writer *w;
    bool is_changed;
};

static bool is_mask(const struct json_doc *doc, uint32_t node)
{
    return json_type(doc, node) == JSON_STRING && json_string_is(doc, node, SPAN(WEBHOOK_MASK));
}

static void write_kept(struct keeping *k, uint32_t value, uint32_t old)
{
    bool is_kept = is_mask(k->fresh, value) && old != JSON_NONE;
    json_write_raw(k->w, is_kept ? json_raw(k->have, old) : json_raw(k->fresh, value));
    k->is_changed = k->is_changed || is_kept;
}

static void keep_list(struct keeping *k, uint32_t value, uint32_t old)
{
    uint32_t at = value + 1;
    uint32_t old_at = old + 1;
    uint32_t inner;
    uint32_t before;
    json_write_array(k->w);
    while (json_next_element(k->fresh, value, &at, &inner)) {
        bool has_old = json_next_element(k->have, old, &old_at, &before);
        write_kept(k, inner, has_old ? before : JSON_NONE);
    }
    json_write_end_array(k->w);
}

// `depth` 0: the options themselves; 1: a map.
// NOLINTNEXTLINE(misc-no-recursion): once
static void keep_members(struct keeping *k, uint32_t object, uint32_t old, int depth)
{
    uint32_t at = object + 1;
    uint32_t name;
    uint32_t value;
    json_write_object(k->w);
    while (json_next_member(k->fresh, object, &at, &name, &value)) {
        struct span text;
        char *owned = name_at(k->fresh, name, &text);
        uint32_t before = json_get(k->have, old, text);
        bool is_same_type = before != JSON_NONE &&
                            json_type(k->fresh, value) == json_type(k->have, before) && depth == 0;
        json_write_name_span(k->w, text);
        if (is_same_type && json_type(k->fresh, value) == JSON_ARRAY)
            keep_list(k, value, before);
        else if (is_same_type && json_type(k->fresh, value) == JSON_OBJECT)
            keep_members(k, value, before, 1);
        else
            write_kept(k, value, before);
        xfree(owned);
    }
    json_write_end_object(k->w);
}

static void keep_of(struct webhook *fresh, struct webhook_script *script,
                    const struct webhook_script *from)
{
    struct json_doc doc;
    struct json_doc old;
    struct json_error error;
    struct json_writer w;
    struct buf out;
    json_init(&doc);
    json_init(&old);
    buf_init(&out, (size_t)WEBHOOK_MAX_JSON * 8);
    json_write_init(&w, &out);
    struct keeping k = {.fresh = &doc, .have = &old, .w = &w};
    if (json_parse(&doc, script->options, JSON_MAX_DEPTH, &error) == OK &&
        json_parse(&old, from->options, JSON_MAX_DEPTH, &error) == OK &&
        json_type(&doc, 0) == JSON_OBJECT && json_type(&old, 0) == JSON_OBJECT) {
        keep_members(&k, 0, 0, 0);
        if (k.is_changed && !out.is_full)
            script->options = arena_copy(&fresh->arena, buf_span(&out));
    }
    if (out.at)
        mem_wipe(out.at, out.len);
    buf_deinit(&out);
    json_deinit(&old);
    json_deinit(&doc);
}

void api_keep_options(struct webhook *fresh, const struct webhook *have)
{
    for (uint32_t i = 0; i < fresh->script_count; i++) {
        struct webhook_script *script = &fresh->scripts[i];
        const struct webhook_script *from = NULL;
        for (uint32_t j = 0; j < have->script_count; j++) {
            bool is_one = span_eq(have->scripts[j].name, script->name);
            if (is_one && (from == NULL || j == i)) // the same place comes first
                from = &have->scripts[j];
        }
        if (from != NULL && script->options.len > 0 && from->options.len > 0)
            keep_of(fresh, script, from);
    }
}
