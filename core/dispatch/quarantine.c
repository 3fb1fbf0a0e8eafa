// SPDX-License-Identifier: MIT
// Webhooks that are held because their scripts keep failing: counted, held, stored, let go; main
// only.
#include "dispatch/quarantine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define MAX_REASON 512 // bytes that are kept of a failure's reason
#define MAX_NAMES  (WEBHOOK_MAX_SCRIPTS * 128)

// ---- in the store ------------------------------------------------------------------------------

static bool print(struct keep *keep, struct json_writer *w)
{
    const struct quarantine *q = CONTAINER_OF(keep, struct quarantine, keep);
    if (!q->is_held)
        return false;
    json_write_object(w);
    json_write_member_text(w, "scripts", q->scripts);
    json_write_member_text(w, "outcome", outcome_name(q->outcome));
    json_write_name(w, "reason");
    json_write_quoted_value(w, span_of(q->reason));
    json_write_member_int(w, "failures", q->failures);
    json_write_member_int(w, "since_ms", q->since_ms);
    json_write_end_object(w);
    return true;
}

static const struct keep_rules rules = {
    .kind = OBJECT_QUARANTINE,
    .name = "quarantine",
    .put_action = "quarantine",
    .remove_action = "release",
    .print = print,
};

// ---- held --------------------------------------------------------------------------------------

static struct quarantine *quarantine_of(struct hook *hook)
{
    if (hook->quarantine == NULL) {
        hook->quarantine = xcalloc(1, sizeof *hook->quarantine);
        hook->quarantine->magic = QUARANTINE_MAGIC;
        hook->quarantine->hook = hook;
        hook->quarantine->keep.hook = hook;
        hook->quarantine->keep.rules = &rules;
    }
    CHECK(hook->quarantine->magic == QUARANTINE_MAGIC);
    return hook->quarantine;
}

void quarantine_free(struct quarantine *q)
{
    if (q == NULL)
        return;
    list_remove(&q->node);
    keep_deinit(&q->keep);
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
    keep_save(d, &q->keep, by);
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
    keep_save(d, &q->keep, SPAN("engine"));
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

void quarantine_on_stored(void *context, const struct object *object)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct json_doc doc;
    struct json_error error;
    struct arena arena;
    struct hook *hook = keep_hook(d, object);
    if (hook == NULL)
        return; // deleted at the very end of the last run
    json_init(&doc);
    arena_init(&arena, KEEP_MAX_JSON);
    if (json_parse(&doc, object->body, JSON_MAX_DEPTH, &error) == OK) {
        struct quarantine *q = quarantine_of(hook);
        replace_text(&q->scripts, keep_text(&doc, "scripts", &arena));
        replace_text(&q->reason, keep_text(&doc, "reason", &arena));
        if (!outcome_parse(keep_text(&doc, "outcome", &arena), &q->outcome))
            q->outcome = OUTCOME_SCRIPT_ERROR;
        q->failures = (uint32_t)keep_int(&doc, "failures");
        q->since_ms = keep_int(&doc, "since_ms");
        keep_on_stored(&q->keep, object);
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
