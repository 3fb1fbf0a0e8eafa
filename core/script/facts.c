// SPDX-License-Identifier: MIT
// What script hosts are told of one revision of a webhook; main only.
#include "script/facts.h"

#include "base/mem.h"

// ---- life ----

// Changed values are noticed, wherever they lie.
static uint64_t hash_env(const struct hook_env *env)
{
    uint64_t hash = 0;
    for (size_t i = 0; env != NULL && i < env->count; i++)
        hash = (hash ^ span_hash(env->values[i].name)) * 31 + span_hash(env->values[i].value);
    return hash;
}

static void name_version(const struct library_version *version, struct buf *out)
{
    (void)buf_append_format(out, "%s%s@%.*s", out->len > 0 ? " " : "", version->name, LIBRARY_SHORT,
                            version->hash); // bounded: names are checked
}

void facts_name_versions(const struct library *library, const struct webhook *webhook,
                         struct buf *out)
{
    for (uint32_t i = 0; i < webhook->script_count; i++) {
        const struct webhook_script *script = &webhook->scripts[i];
        const struct library_version *version =
            library_find(library, webhook->tenant, script->name, script->version);
        if (version != NULL)
            name_version(version, out);
    }
}

// What attempts record, and what is not to be had.
static void name_chosen(struct facts *facts)
{
    struct buf names;
    buf_init(&names, (size_t)WEBHOOK_MAX_SCRIPTS * 128);
    facts->missing.text[0] = '\0';
    for (uint32_t i = 0; i < facts->webhook->script_count; i++) {
        const struct webhook_script *script = &facts->webhook->scripts[i];
        if (facts->versions[i] != NULL)
            name_version(facts->versions[i], &names);
        else if (script->version.len > 0)
            errmsg_set(&facts->missing, "there is no version %.*s of a script \"%.*s\"",
                       SPAN_ARGS(script->version), SPAN_ARGS(script->name));
        else
            errmsg_set(&facts->missing, "there is no script \"%.*s\"", SPAN_ARGS(script->name));
    }
    xfree(facts->scripts);
    facts->scripts = xstrdup(buf_text(&names));
    buf_deinit(&names);
}

static void choose_versions(struct facts *facts, const struct library *library,
                            const struct library_stage *stage)
{
    for (uint32_t i = 0; i < facts->webhook->script_count; i++) {
        const struct webhook_script *script = &facts->webhook->scripts[i];
        struct library_version *version = library_find_staged(
            library, stage, facts->webhook->tenant, script->name, script->version);
        if (version != NULL)
            facts->versions[i] = library_ref(version);
    }
    name_chosen(facts);
}

struct facts *facts_new(uint32_t number, const struct library *library,
                        const struct library_stage *stage, struct pool *pool,
                        struct webhook *webhook, const struct hook_env *env)
{
    struct facts *facts = xcalloc(1, sizeof(*facts));
    facts->refs = 1;
    facts->number = number;
    facts->generation = library_generation(library);
    facts->env_hash = hash_env(env);
    facts->webhook = webhook_ref(webhook);
    facts->pool = pool;
    pool_queue_init(&facts->queue, pool_slot(pool, webhook->tenant));
    choose_versions(facts, library, stage);
    if (env != NULL && env->count > FRAME_MAX_ENV)
        errmsg_set(&facts->missing, "hook_env of this tenant has more than %d names",
                   FRAME_MAX_ENV);
    return facts;
}

void facts_make_trial(struct facts *facts, struct library_version *draft)
{
    struct errmsg before = facts->missing;
    bool had_all = true;
    facts->queue.slot = pool_check_slot(facts->pool);
    for (uint32_t i = 0; draft != NULL && i < facts->webhook->script_count; i++) {
        const struct webhook_script *script = &facts->webhook->scripts[i];
        had_all = had_all && facts->versions[i] != NULL;
        if (script->version.len > 0 || !span_is(script->name, draft->name))
            continue;
        library_unref(facts->versions[i]);
        facts->versions[i] = library_ref(draft);
    }
    name_chosen(facts);
    if (had_all) // then it was about something else
        facts->missing = before;
}

struct facts *facts_ref(struct facts *facts)
{
    facts->refs++;
    return facts;
}

void facts_unref(struct facts *facts)
{
    if (facts == NULL || --facts->refs > 0)
        return;
    CHECK(list_is_empty(&facts->queue.waiting));
    pool_forget(facts->pool, facts->number);
    for (uint32_t i = 0; i < facts->webhook->script_count; i++)
        library_unref(facts->versions[i]);
    webhook_unref(facts->webhook);
    xfree(facts->scripts);
    xfree(facts);
}

bool facts_are_current(const struct facts *facts, const struct library *library,
                       const struct webhook *webhook, const struct hook_env *env)
{
    return facts->webhook == webhook && facts->generation == library_generation(library) &&
           facts->env_hash == hash_env(env);
}

// ---- frames ----

static void tell_script(const struct library_version *version, struct host *host)
{
    if (version == NULL || host_knows(host, pool_script_key(version->number)))
        return;
    struct frame_script script = {.name = span_of(version->name),
                                  .version = span_make(version->hash, LIBRARY_HASH_LEN),
                                  .source = span_make(version->source, version->len)};
    struct frame header = {.kind = FRAME_SCRIPT, .number = version->number};
    size_t begin = frame_begin(host_out(host), &header);
    frame_put_script(host_out(host), &script);
    frame_end(host_out(host), begin);
    host_learn(host, pool_script_key(version->number), version->len);
}

static void put_webhook(const struct facts *facts, struct host *host, const struct hook_env *env,
                        const struct frame *header)
{
    const struct webhook *webhook = facts->webhook;
    char uuid[UID_TEXT_LEN + 1];
    uid_print(&webhook->uuid, uuid);
    struct frame_webhook out;
    out.uuid = span_of(uuid);
    out.name = webhook->name;
    out.target = webhook->target;
    out.tenant = webhook->tenant;
    out.metadata = webhook->metadata;
    out.extra_payload = webhook->extra_payload;
    out.is_into_data = webhook->extra_payload_into_data;
    out.script_count = webhook->script_count;
    for (uint32_t i = 0; i < webhook->script_count; i++)
        out.scripts[i] =
            (struct frame_use){.script = facts->versions[i] ? facts->versions[i]->number : 0,
                               .options = webhook->scripts[i].options};
    out.secret_count = webhook->secret_count;
    for (uint32_t i = 0; i < webhook->secret_count; i++)
        out.secrets[i] = (struct frame_secret){.text = webhook->secrets[i].text,
                                               .expires_ms = webhook->secrets[i].expires_ms};
    out.env_count = env == NULL || env->count > FRAME_MAX_ENV ? 0 : (uint32_t)env->count;
    for (uint32_t i = 0; i < out.env_count; i++)
        out.env[i] =
            (struct frame_pair){.name = env->values[i].name, .value = env->values[i].value};
    size_t begin = frame_begin(host_out(host), header);
    frame_put_webhook(host_out(host), &out);
    frame_end(host_out(host), begin);
}

_Static_assert(WEBHOOK_MAX_SCRIPTS <= FRAME_MAX_SCRIPTS, "all scripts fit in a frame");
_Static_assert(WEBHOOK_MAX_SECRETS <= FRAME_MAX_SECRETS, "all secrets fit in a frame");

void facts_tell(const struct facts *facts, struct host *host, const struct hook_env *env)
{
    if (host_knows(host, pool_facts_key(facts->number)))
        return;
    for (uint32_t i = 0; i < facts->webhook->script_count; i++)
        tell_script(facts->versions[i], host);
    size_t before = host_out(host)->len;
    struct frame header = {.kind = FRAME_WEBHOOK, .number = facts->number};
    put_webhook(facts, host, env, &header);
    host_learn(host, pool_facts_key(facts->number), host_out(host)->len - before);
    host_learn(host, pool_webhook_key(facts->webhook->number), 0);
}

void facts_ask(const struct facts *facts, struct host *host, uint64_t id)
{
    for (uint32_t i = 0; i < facts->webhook->script_count; i++)
        tell_script(facts->versions[i], host);
    struct frame header = {.kind = FRAME_CHECK_WEBHOOK, .id = id};
    put_webhook(facts, host, NULL, &header);
    host_learn(host, pool_webhook_key(facts->webhook->number), 0);
}
