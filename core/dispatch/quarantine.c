// SPDX-License-Identifier: MIT
// Webhooks that are held because their scripts keep failing: counted, held, stored, let go; main
// only.
#include "dispatch/quarantine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define MAX_REASON 512   // bytes that are kept of a failure's reason
#define MAX_OBJECT 16384 // bytes of a quarantine in the store
#define MAX_NAMES  (WEBHOOK_MAX_SCRIPTS * 128)

// ---- in the store ------------------------------------------------------------------------------

struct saving {
    struct store_object op;
    struct dispatch *dispatch;
    struct hook *hook; // borrowed: lives as long as the dispatch
    char key[UID_TEXT_LEN + 1];
    char *by; // owned
    struct buf body;
};

static void save(struct dispatch *d, struct quarantine *q, struct span by);

static void on_saved(struct store_op *op)
{
    struct saving *s = (struct saving *)(void *)op;
    struct dispatch *d = s->dispatch;
    struct quarantine *q = s->hook->quarantine;
    d->settling--;
    q->is_saving = false;
    if (op->err != OK) {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "the quarantine of webhook %s is not stored: %s",
                 s->key, err_text(op->err));
        list_append(&d->unsaved, &q->unsaved_node);
        dispatch_arm(d);
    } else {
        q->number = op->kind == STORE_PUT ? s->op.object.number : 0;
        q->revision = op->kind == STORE_PUT ? s->op.object.revision : 0;
        save(d, q, SPAN("engine")); // it may have changed meanwhile
    }
    buf_deinit(&s->body);
    xfree(s->by);
    xfree(s);
}

static void print(const struct quarantine *q, struct buf *out)
{
    struct json_writer w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_member_text(&w, "scripts", q->scripts);
    json_write_member_text(&w, "outcome", outcome_name(q->outcome));
    json_write_name(&w, "reason");
    json_write_quoted_value(&w, span_of(q->reason));
    json_write_member_int(&w, "failures", q->failures);
    json_write_member_int(&w, "since_ms", q->since_ms);
    json_write_end_object(&w);
}

// Makes the store say what is so; one operation at a time.
static void save(struct dispatch *d, struct quarantine *q, struct span by)
{
    bool is_stored = q->number != 0;
    list_remove(&q->unsaved_node);
    if (q->is_saving || q->is_held == is_stored)
        return;
    struct saving *s = xcalloc(1, sizeof *s);
    s->dispatch = d;
    s->hook = q->hook;
    s->by = xmemdup0(by.at ? by.at : "", by.len);
    uid_print(&q->hook->webhook->uuid, s->key);
    buf_init(&s->body, MAX_OBJECT);
    if (q->is_held)
        print(q, &s->body);
    s->op.object = (struct object){.kind = OBJECT_QUARANTINE,
                                   .number = q->number,
                                   .revision = q->revision,
                                   .key = span_of(s->key),
                                   .body = buf_span(&s->body),
                                   .by = span_of(s->by),
                                   .action = q->is_held ? SPAN("quarantine") : SPAN("release"),
                                   .at_ms = clock_wall_ms()};
    q->is_saving = true;
    d->settling++;
    store_op_init(&s->op.op, q->is_held ? STORE_PUT : STORE_REMOVE, on_saved, d);
    store_submit(d->env.store, &s->op.op);
}

void quarantine_save_again(struct dispatch *d)
{
    struct list again;
    struct list_node *node;
    list_init(&again);
    list_splice(&again, &d->unsaved);
    while ((node = list_pop(&again)) != NULL)
        save(d, CONTAINER_OF(node, struct quarantine, unsaved_node), SPAN("engine"));
}

// ---- held --------------------------------------------------------------------------------------

static struct quarantine *quarantine_of(struct hook *hook)
{
    if (hook->quarantine == NULL) {
        hook->quarantine = xcalloc(1, sizeof *hook->quarantine);
        hook->quarantine->magic = QUARANTINE_MAGIC;
        hook->quarantine->hook = hook;
    }
    CHECK(hook->quarantine->magic == QUARANTINE_MAGIC);
    return hook->quarantine;
}

void quarantine_free(struct quarantine *q)
{
    if (q == NULL)
        return;
    list_remove(&q->node);
    list_remove(&q->unsaved_node);
    xfree(q->scripts);
    xfree(q->reason);
    q->magic = 0;
    xfree(q);
}

bool quarantine_is_held(const struct hook *hook)
{
    return hook->quarantine != NULL && hook->quarantine->is_held;
}

static void log_quarantine(const struct quarantine *q, const char *message, const char *why)
{
    const struct webhook *webhook = q->hook->webhook;
    struct log_record r;
    log_begin(&r, q->is_held ? LOG_WARN : LOG_INFO, LOG_DISPATCH_AREA, message);
    log_uid(&r, "webhook", &webhook->uuid);
    log_str(&r, "scripts", q->scripts);
    log_int(&r, "failures", q->failures);
    log_str(&r, "outcome", outcome_name(q->outcome));
    log_str(&r, "reason", q->reason);
    log_str(&r, "why", why);
    if (q->is_held)
        log_str(&r, "help",
                "nothing is lost; it goes on with another version of the script, "
                "or by: grapnel scripts release NAME");
    log_end(&r);
}

static void begin(struct dispatch *d, struct quarantine *q)
{
    q->is_held = true;
    list_append(&d->quarantined, &q->node);
    d->stats.quarantined++;
    hook_hold(d, q->hook, HOLD_QUARANTINE, HOLD_UNTIL_RELEASED);
}

static void replace_text(char **text, struct span fresh)
{
    xfree(*text);
    *text = xmemdup0(fresh.at != NULL ? fresh.at : "", fresh.len);
}

void quarantine_release(struct dispatch *d, struct hook *hook, struct span by, const char *why)
{
    struct quarantine *q = hook->quarantine;
    if (q == NULL)
        return;
    streak_end(&q->streak);
    if (!q->is_held)
        return;
    q->is_held = false;
    list_remove(&q->node);
    d->stats.quarantined--;
    log_quarantine(q, "webhook released from quarantine", why);
    hook_release(d, hook, HOLD_QUARANTINE);
    save(d, q, by);
}

// ---- counting ----------------------------------------------------------------------------------

static bool is_failure(enum outcome outcome)
{
    return outcome == OUTCOME_SCRIPT_ERROR || outcome == OUTCOME_SCRIPT_TIMEOUT ||
           outcome == OUTCOME_SCRIPT_MEMORY || outcome == OUTCOME_SCRIPT_KILLED;
}

void quarantine_note(struct dispatch *d, struct hook *hook, const struct attempt *attempt,
                     const struct uid *event)
{
    if (quarantine_is_held(hook) || hook->is_removed)
        return; // it was under way before
    if (!is_failure(attempt->outcome)) {
        if (hook->quarantine != NULL)
            streak_end(&hook->quarantine->streak);
        return;
    }
    struct quarantine *q = quarantine_of(hook);
    if (!streak_fail(&q->streak, attempt->scripts, event,
                     (uint32_t)d->env.config->quarantine_after))
        return;
    struct span reason = attempt->reason;
    if (reason.len > MAX_REASON)
        reason.len = json_utf8_prefix(span_make(reason.at, MAX_REASON));
    replace_text(&q->scripts, attempt->scripts);
    replace_text(&q->reason, reason);
    q->outcome = attempt->outcome;
    q->failures = q->streak.failures;
    q->since_ms = clock_wall_ms();
    d->stats.quarantines++;
    begin(d, q);
    log_quarantine(q, "webhook held in quarantine: its scripts fail", NULL);
    save(d, q, SPAN("engine"));
}

// ---- what lets it go ---------------------------------------------------------------------------

void quarantine_look(struct dispatch *d)
{
    uint32_t generation = d->env.script != NULL ? script_generation(d->env.script) : 0;
    if (generation == d->script_generation || d->env.script == NULL)
        return;
    d->script_generation = generation;
    LIST_FOREACH_SAFE(node, &d->quarantined) {
        struct quarantine *q = CONTAINER_OF(node, struct quarantine, node);
        struct buf now;
        buf_init(&now, MAX_NAMES);
        script_versions(d->env.script, q->hook->webhook, &now);
        bool is_other = !span_is(buf_span(&now), q->scripts);
        buf_deinit(&now);
        if (is_other)
            quarantine_release(d, q->hook, SPAN("engine"), "it has another version of a script");
    }
}

static bool has_same_scripts(const struct webhook *a, const struct webhook *b)
{
    bool is_same = a->script_count == b->script_count;
    for (uint32_t i = 0; is_same && i < a->script_count; i++)
        is_same = span_eq(a->scripts[i].name, b->scripts[i].name) &&
                  span_eq(a->scripts[i].version, b->scripts[i].version) &&
                  span_eq(a->scripts[i].options, b->scripts[i].options);
    return is_same;
}

static bool has_same_secrets(const struct webhook *a, const struct webhook *b)
{
    bool is_same = a->secret_count == b->secret_count;
    for (uint32_t i = 0; is_same && i < a->secret_count; i++)
        is_same = span_eq(a->secrets[i].text, b->secrets[i].text);
    return is_same;
}

void quarantine_on_edit(struct dispatch *d, struct hook *hook, const struct webhook *old)
{
    const struct webhook *now = hook->webhook;
    if (has_same_scripts(old, now) && has_same_secrets(old, now) &&
        span_eq(old->target, now->target) && span_eq(old->metadata, now->metadata) &&
        span_eq(old->extra_payload, now->extra_payload))
        return;
    quarantine_release(d, hook, SPAN("engine"), "what its scripts work with was changed");
}

static bool is_user(const struct webhook *webhook, const struct dispatch_users *users)
{
    if ((users->webhook != 0 && users->webhook != webhook->number) ||
        (users->tenant.len > 0 && !span_eq(users->tenant, webhook->tenant)))
        return false;
    for (uint32_t i = 0; i < webhook->script_count; i++)
        if (span_eq(webhook->scripts[i].name, users->script))
            return true;
    return false;
}

uint32_t dispatch_release(struct dispatch *d, const struct dispatch_users *users, struct span by)
{
    uint32_t released = 0;
    LIST_FOREACH_SAFE(node, &d->quarantined) {
        struct hook *hook = CONTAINER_OF(node, struct quarantine, node)->hook;
        if (!is_user(hook->webhook, users))
            continue;
        quarantine_release(d, hook, by, "somebody let it go");
        released++;
    }
    return released;
}

// ---- at start ----------------------------------------------------------------------------------

static struct span text_of(const struct json_doc *doc, const char *name, struct arena *arena)
{
    uint32_t node = json_get(doc, 0, span_of(name));
    if (node == JSON_NONE || json_type(doc, node) != JSON_STRING)
        return SPAN("");
    char *text = arena_alloc(arena, json_inside(doc, node).len + 1);
    return span_make(text, json_decode_string(doc, node, text));
}

static int64_t number_of(const struct json_doc *doc, const char *name)
{
    uint32_t node = json_get(doc, 0, span_of(name));
    int64_t number = 0;
    if (node != JSON_NONE && json_type(doc, node) == JSON_NUMBER)
        (void)json_to_int64(doc, node, &number);
    return number;
}

void quarantine_on_stored(void *context, const struct object *object)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct uid uuid;
    struct json_doc doc;
    struct json_error error;
    struct arena arena;
    struct hook *hook = uid_parse(object->key, &uuid) ? hook_by_uuid(d, &uuid) : NULL;
    if (hook == NULL)
        return; // deleted at the very end of the last run
    json_init(&doc);
    arena_init(&arena, MAX_OBJECT);
    if (json_parse(&doc, object->body, JSON_MAX_DEPTH, &error) == OK) {
        struct quarantine *q = quarantine_of(hook);
        replace_text(&q->scripts, text_of(&doc, "scripts", &arena));
        replace_text(&q->reason, text_of(&doc, "reason", &arena));
        if (!outcome_parse(text_of(&doc, "outcome", &arena), &q->outcome))
            q->outcome = OUTCOME_SCRIPT_ERROR;
        q->failures = (uint32_t)number_of(&doc, "failures");
        q->since_ms = number_of(&doc, "since_ms");
        q->number = object->number;
        q->revision = object->revision;
        begin(d, q);
        log_quarantine(q, "webhook is still held in quarantine", NULL);
    } else {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "stored quarantine %.*s cannot be read: %s",
                 SPAN_ARGS(object->key), error.message);
    }
    arena_deinit(&arena);
    json_deinit(&doc);
}

// ---- figures -----------------------------------------------------------------------------------

bool dispatch_quarantine(const struct dispatch *d, uint32_t number, struct dispatch_quarantine *out)
{
    const struct hook *hook = hook_find(d, number);
    if (hook == NULL || !quarantine_is_held(hook))
        return false;
    const struct quarantine *q = hook->quarantine;
    *out = (struct dispatch_quarantine){.scripts = q->scripts,
                                        .reason = q->reason,
                                        .outcome = q->outcome,
                                        .failures = q->failures,
                                        .since_ms = q->since_ms};
    return true;
}
