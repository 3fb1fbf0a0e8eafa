// SPDX-License-Identifier: MIT
// Takes secrets out of what a trial shows: whoever may try a script need not know them; main only.
#include <string.h>

#include "admin/api.h"
#include "admin/trial.h"

#define MIN_SECRET 4 // bytes; shorter ones would mask words
#define MIN_ENV    8 // of a hook_env value: many are no secrets

struct masking {
    struct trial *trial;
    struct span text; // so far
};

static void mask_bytes(struct masking *m, struct span secret)
{
    struct buf out;
    if (secret.len < MIN_SECRET || m->text.len == 0 ||
        memmem(m->text.at, m->text.len, secret.at, secret.len) == NULL)
        return;
    buf_init(&out, m->text.len * 3 + 64);
    struct span rest = m->text;
    const char *found;
    while (rest.len > 0 && (found = memmem(rest.at, rest.len, secret.at, secret.len)) != NULL) {
        size_t before = (size_t)(found - rest.at);
        (void)buf_append(&out, rest.at, before);
        (void)buf_append_text(&out, "[secret]");
        rest = span_make(found + secret.len, rest.len - before - secret.len);
    }
    (void)buf_append_span(&out, rest);
    m->text = arena_copy(&m->trial->arena, buf_span(&out));
    buf_deinit(&out);
}

// As it is, and as it reads inside of a body that is JSON.
static void mask_one(struct masking *m, struct span secret)
{
    struct buf json;
    if (secret.len < MIN_SECRET)
        return;
    mask_bytes(m, secret);
    buf_init(&json, secret.len * 6 + 2);
    json_write_quoted(&json, secret);
    struct span inside = span_make(buf_text(&json) + 1, json.len - 2);
    if (!span_eq(inside, secret))
        mask_bytes(m, inside);
    buf_deinit(&json);
}

static void mask_webhook(struct masking *m, const struct webhook *webhook)
{
    static const char *const prefixes[] = {"whsec_", "whsk_"};
    for (uint32_t i = 0; webhook != NULL && i < webhook->secret_count; i++) {
        struct span text = webhook->secrets[i].text;
        mask_one(m, text);
        for (size_t j = 0; j < COUNT_OF(prefixes); j++) {
            struct span prefix = span_of(prefixes[j]);
            if (span_starts_with(text, prefix))
                mask_one(m, span_make(text.at + prefix.len, text.len - prefix.len));
        }
    }
}

// ---- options -----------------------------------------------------------------------------------

// All strings of a value: a secret, a list or a map of them.
static void mask_strings(struct masking *m, const struct json_doc *doc, uint32_t value)
{
    for (uint32_t node = value; node < doc->nodes[value].next; node++) {
        if (json_type(doc, node) != JSON_STRING)
            continue;
        char *text = arena_alloc(&m->trial->arena, json_inside(doc, node).len + 1);
        mask_one(m, span_make(text, json_decode_string(doc, node, text)));
    }
}

static void mask_options(struct masking *m, const struct webhook_script *script, struct span specs)
{
    struct json_doc doc;
    struct json_doc spec_doc;
    struct json_error error;
    uint32_t at = 1;
    uint32_t name = JSON_NONE;
    uint32_t value = JSON_NONE;
    json_init(&doc);
    json_init(&spec_doc);
    if (script->options.len > 0 &&
        json_parse(&doc, script->options, JSON_MAX_DEPTH, &error) == OK &&
        json_parse(&spec_doc, specs, JSON_MAX_DEPTH, &error) == OK) {
        while (json_next_member(&doc, 0, &at, &name, &value)) {
            if (api_option_is_secret(&spec_doc, json_inside(&doc, name)))
                mask_strings(m, &doc, value);
        }
    }
    json_deinit(&doc);
    json_deinit(&spec_doc);
}

static struct span specs_of(const struct trial *trial, const struct webhook *webhook,
                            const struct webhook_script *script)
{
    struct script_info info;
    if (trial->draft != NULL && script->version.len == 0 &&
        span_eq(script_draft_name(trial->draft), script->name))
        return script_draft_options(trial->draft);
    if (script_find(trial->script, webhook->tenant, script->name, script->version, &info))
        return info.options;
    return SPAN("[]");
}

struct span trial_mask(struct trial *trial, struct span text)
{
    struct masking m = {.trial = trial, .text = text};
    const struct webhook *const webhooks[] = {trial->webhook, trial->was_webhook};
    for (size_t i = 0; i < COUNT_OF(webhooks) && text.len > 0; i++) {
        const struct webhook *webhook = webhooks[i];
        mask_webhook(&m, webhook);
        for (uint32_t j = 0; webhook != NULL && j < webhook->script_count; j++)
            mask_options(&m, &webhook->scripts[j], specs_of(trial, webhook, &webhook->scripts[j]));
    }
    for (size_t i = 0; trial->env != NULL && i < trial->env->count; i++) {
        if (trial->env->values[i].value.len >= MIN_ENV)
            mask_one(&m, trial->env->values[i].value);
    }
    return m.text;
}
