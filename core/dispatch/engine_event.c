// SPDX-License-Identifier: MIT
// Events of the engine itself: who wants them, what they say, into the store; main only.
#include "dispatch/engine_event.h"

#include "base/log.h"
#include "crypto/eventid.h"
#include "dispatch/failing.h"
#include "dispatch/state.h"

#define MAX_DATA 4096 // bytes; texts in it are short

const char *engine_event_name(enum engine_event kind)
{
    static const char *const names[] = {
#define X(id, name, meaning) name,
#include "dispatch/engine_event.def"
#undef X
    };
    CHECK((size_t)kind < COUNT_OF(names));
    return names[kind];
}

bool engine_event_is(const struct event *event)
{
    return span_starts_with(event->name, SPAN(EVENT_ENGINE_PREFIX));
}

// ---- out ---------------------------------------------------------------------------------------

static void on_wanted(void *context, struct webhook *webhook)
{
    bool *is_wanted = context;
    *is_wanted = *is_wanted || webhook->is_active;
}

static bool is_wanted(const struct hook *hook, enum engine_event kind)
{
    bool wanted = false;
    match_event(&hook->tenant->match, span_of(engine_event_name(kind)), on_wanted, &wanted);
    return wanted;
}

static void on_stored(void *token, const struct wire_reply *reply)
{
    const char *name = token;
    if (reply->code != WIRE_OK)
        log_line(LOG_ERROR, LOG_DISPATCH_AREA, "the engine's event %s is lost: %s", name,
                 reply->message);
}

static void emit(struct dispatch *d, const struct hook *hook, enum engine_event kind,
                 const struct buf *data)
{
    const char *name = engine_event_name(kind);
    struct event_source source = {
        .form = EVENT_DATA,
        .uid = UINT32_MAX,
        .tenant = span_of(hook->tenant->name),
        .name = span_of(name),
        .payload = buf_span(data),
    };
    CHECK(!data->is_full);
    struct event *event = event_new(&source);
    accept_event(d, &event, on_stored, (void *)(uintptr_t)name);
}

// ---- what they say -----------------------------------------------------------------------------

static void begin(struct json_writer *w, struct buf *data, const struct hook *hook)
{
    buf_init(data, MAX_DATA);
    json_write_init(w, data);
    json_write_object(w);
    json_write_name(w, "webhook");
    json_write_uid(w, &hook->webhook->uuid);
}

static void finish(struct dispatch *d, const struct hook *hook, enum engine_event kind,
                   struct json_writer *w)
{
    json_write_end_object(w);
    emit(d, hook, kind, w->buf);
    buf_deinit(w->buf);
}

void engine_event_disabling(struct dispatch *d, const struct hook *hook)
{
    struct dispatch_failing failing;
    struct json_writer w;
    struct buf data;
    if (!is_wanted(hook, ENGINE_DISABLING) || !dispatch_failing(d, hook->number, &failing))
        return;
    begin(&w, &data, hook);
    json_write_name(&w, "since");
    json_write_date_ms(&w, failing.since_ms);
    json_write_member_int(&w, "failures", failing.failures);
    json_write_member_int(&w, "days", failing.days);
    json_write_name(&w, "disabled_from");
    json_write_date_ms(&w, failing.disabled_from_ms);
    finish(d, hook, ENGINE_DISABLING, &w);
}

void engine_event_disabled(struct dispatch *d, const struct hook *hook)
{
    struct json_writer w;
    struct buf data;
    if (!is_wanted(hook, ENGINE_DISABLED))
        return;
    begin(&w, &data, hook);
    json_write_member_text(&w, "reason", webhook_disabled_name(hook->webhook->disabled));
    finish(d, hook, ENGINE_DISABLED, &w);
}

void engine_event_dead(struct dispatch *d, const struct hook *hook, const struct delivery *delivery,
                       const struct settle_how *how)
{
    struct json_writer w;
    struct buf data;
    if (engine_event_is(delivery->event) || !is_wanted(hook, ENGINE_DEAD))
        return;
    begin(&w, &data, hook);
    struct uid id =
        eventid_make_delivery(d->env.id_key, delivery->event->accepted_ms, delivery->id);
    json_write_name(&w, "delivery");
    json_write_uid(&w, &id);
    json_write_name(&w, "event");
    json_write_uid(&w, &delivery->event->id);
    json_write_member_string(&w, "event_name", delivery->event->name);
    json_write_member_text(&w, "outcome", outcome_name(how->outcome));
    json_write_member_int(&w, "attempts", delivery->attempts);
    json_write_member_text(&w, "reason", how->reason);
    finish(d, hook, ENGINE_DEAD, &w);
}
