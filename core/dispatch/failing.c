// SPDX-License-Identifier: MIT
// Webhooks that fail for days: counted, stored, announced, disabled; main only.
#include "dispatch/failing.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "dispatch/engine_event.h"

#define HOUR_MS      (60 * 60 * 1000LL)
#define DAY_MS       (24 * HOUR_MS)
#define LONG_MS      (5 * DAY_MS)
#define NOTICE_MS    DAY_MS
#define LEAST_NUMBER 10
#define LEAST_DAYS   3
#define STORED_FROM  HOUR_MS // what fails for less is not worth a row

// ---- in the store ------------------------------------------------------------------------------

static bool print(struct keep *keep, struct json_writer *w)
{
    const struct failing *f = CONTAINER_OF(keep, struct failing, keep);
    if (f->since_ms == 0)
        return false;
    json_write_object(w);
    json_write_member_int(w, "since_ms", f->since_ms);
    json_write_member_int(w, "failures", f->failures);
    json_write_member_int(w, "days", f->days);
    json_write_member_int(w, "last_day", f->last_day);
    json_write_member_int(w, "noticed_ms", f->noticed_ms);
    json_write_end_object(w);
    return true;
}

static const struct keep_rules rules = {
    .kind = OBJECT_FAILING,
    .name = "state of failing",
    .put_action = "failing",
    .remove_action = "not_failing",
    .print = print,
};

static struct failing *failing_of(struct hook *hook)
{
    if (hook->failing == NULL) {
        hook->failing = xcalloc(1, sizeof *hook->failing);
        hook->failing->magic = FAILING_MAGIC;
        hook->failing->keep.hook = hook;
        hook->failing->keep.rules = &rules;
    }
    CHECK(hook->failing->magic == FAILING_MAGIC);
    return hook->failing;
}

void failing_free(struct failing *f)
{
    if (f == NULL)
        return;
    keep_deinit(&f->keep);
    f->magic = 0;
    xfree(f);
}

void failing_on_stored(void *context, const struct object *object)
{
    struct dispatch *d;
    CAST(d, context, DISPATCH_MAGIC);
    struct json_doc doc;
    struct json_error error;
    struct hook *hook = keep_hook(d, object);
    if (hook == NULL)
        return;
    json_init(&doc);
    if (json_parse(&doc, object->body, JSON_MAX_DEPTH, &error) == OK) {
        struct failing *f = failing_of(hook);
        f->since_ms = keep_int(&doc, "since_ms");
        f->failures = (uint32_t)keep_int(&doc, "failures");
        f->days = (uint32_t)keep_int(&doc, "days");
        f->last_day = keep_int(&doc, "last_day");
        f->noticed_ms = keep_int(&doc, "noticed_ms");
        d->stats.disabling += f->noticed_ms != 0;
        keep_on_stored(&f->keep, object);
    } else {
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "stored state of failing %.*s cannot be read: %s",
                 SPAN_ARGS(object->key), error.message);
    }
    json_deinit(&doc);
}

// ---- counting ----------------------------------------------------------------------------------

enum effect { COUNTS, ENDS, IGNORED };

// The rest never reached its target, or was no attempt.
static enum effect effect_of(enum outcome outcome)
{
    static const enum effect table[OUTCOME_COUNT] = {
        IGNORED,
#define X(name, text, breaker, disable) disable,
#include "model/outcome.def"
#undef X
    };
    return table[outcome];
}

// True: what is in the store is out of date.
static bool count(struct failing *f, int64_t now)
{
    int64_t day = now / DAY_MS;
    bool is_new_day = f->failures == 0 || day != f->last_day;
    if (f->failures == 0)
        f->since_ms = now;
    if (f->failures < UINT32_MAX)
        f->failures++;
    f->days += is_new_day;
    f->last_day = day;
    if (now - f->since_ms < STORED_FROM)
        return false;
    return is_new_day || f->keep.number == 0 || f->failures <= LEAST_NUMBER;
}

void failing_end(struct dispatch *d, struct hook *hook)
{
    struct failing *f = hook->failing;
    if (f == NULL || f->since_ms == 0)
        return;
    d->stats.disabling -= f->noticed_ms != 0;
    f->since_ms = f->last_day = f->noticed_ms = 0;
    f->failures = f->days = 0;
    if (f->keep.number != 0 || f->keep.is_saving)
        keep_save(d, &f->keep, SPAN("engine"));
}

static int64_t disabled_from(const struct failing *f)
{
    int64_t old_enough = f->since_ms + LONG_MS;
    int64_t after_notice = f->noticed_ms + NOTICE_MS;
    return old_enough > after_notice ? old_enough : after_notice;
}

static void give_notice(struct dispatch *d, struct hook *hook)
{
    struct failing *f = hook->failing;
    struct log_record r;
    f->noticed_ms = clock_wall_ms();
    d->stats.disabling++;
    log_begin(&r, LOG_WARN, LOG_DISPATCH_AREA, "webhook will be disabled: it fails for days");
    log_uid(&r, "webhook", &hook->webhook->uuid);
    log_int(&r, "failures", f->failures);
    log_int(&r, "days", f->days);
    log_int(&r, "hours_left", (disabled_from(f) - f->noticed_ms + HOUR_MS - 1) / HOUR_MS);
    log_str(&r, "help", "one attempt that succeeds is enough to stop this");
    log_end(&r);
    engine_event_disabling(d, hook);
    keep_save(d, &f->keep, SPAN("engine"));
}

void failing_note(struct dispatch *d, struct hook *hook, enum outcome outcome)
{
    if (effect_of(outcome) == ENDS)
        failing_end(d, hook);
    if (effect_of(outcome) != COUNTS || hook->is_removed || !hook->webhook->is_active)
        return;
    struct failing *f = failing_of(hook);
    int64_t now = clock_wall_ms();
    if (count(f, now))
        keep_save(d, &f->keep, SPAN("engine"));
    if (f->failures < LEAST_NUMBER || f->days < LEAST_DAYS)
        return;
    if (f->noticed_ms == 0 && now - f->since_ms >= LONG_MS - NOTICE_MS)
        give_notice(d, hook);
    else if (f->noticed_ms != 0 && now >= disabled_from(f))
        run_disable(d, hook, WEBHOOK_FAILING);
}

// ---- figures -----------------------------------------------------------------------------------

bool dispatch_failing(const struct dispatch *d, uint32_t number, struct dispatch_failing *out)
{
    const struct hook *hook = hook_find(d, number);
    if (hook == NULL || hook->failing == NULL || hook->failing->since_ms == 0)
        return false;
    const struct failing *f = hook->failing;
    *out = (struct dispatch_failing){.since_ms = f->since_ms,
                                     .failures = f->failures,
                                     .days = f->days,
                                     .disabled_from_ms = f->noticed_ms != 0 ? disabled_from(f) : 0};
    return true;
}
