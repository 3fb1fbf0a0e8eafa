// SPDX-License-Identifier: MIT
// An event: one allocation with all its texts behind it, and its record in the store; any thread.
#include "model/event.h"

#include "base/mem.h"
#include "base/pack.h"

#define EVENT_VERSION 1

struct event *event_new(const struct event_source *source)
{
    const struct span *from[] = {&source->tenant,    &source->name, &source->key_id,
                                 &source->order_key, &source->time, &source->traceparent,
                                 &source->payload};
    size_t bytes = 0;
    for (size_t i = 0; i < COUNT_OF(from); i++)
        bytes += from[i]->len;
    struct event *event = xmalloc(sizeof *event + bytes);
    *event = (struct event){
        .magic = EVENT_MAGIC,
        .refs = 1,
        .time_ms = source->time_ms,
        .deliver_at_ms = source->deliver_at_ms,
        .expires_at_ms = source->expires_at_ms,
        .form = source->form,
        .has_webhook = source->webhook != NULL,
        .uid = source->uid,
        .pid = source->pid,
    };
    if (source->webhook != NULL)
        event->webhook = *source->webhook;
    struct span *to[] = {&event->tenant, &event->name,        &event->key_id, &event->order_key,
                         &event->time,   &event->traceparent, &event->payload};
    char *at = (char *)(event + 1);
    for (size_t i = 0; i < COUNT_OF(from); i++) {
        if (from[i]->len > 0)
            memcpy(at, from[i]->at, from[i]->len);
        *to[i] = span_make(at, from[i]->len);
        at += from[i]->len;
    }
    return event;
}

struct event *event_ref(struct event *event)
{
    __atomic_add_fetch(&event->refs, 1, __ATOMIC_RELAXED);
    return event;
}

void event_unref(struct event *event)
{
    if (event == NULL)
        return;
    CHECK(event->magic == EVENT_MAGIC);
    if (__atomic_sub_fetch(&event->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    xfree(event->webhooks);
    xfree(event->missed);
    event->magic = 0;
    xfree(event);
}

void event_set_webhooks(struct event *event, uint32_t *webhooks, uint32_t count, uint32_t *missed,
                        uint32_t missed_count)
{
    CHECK(event->webhooks == NULL && event->missed == NULL);
    event->webhooks = webhooks;
    event->webhook_count = count;
    event->missed = missed;
    event->missed_count = missed_count;
}

size_t event_size(const struct event *event)
{
    return sizeof *event + event->tenant.len + event->name.len + event->key_id.len +
           event->order_key.len + event->time.len + event->traceparent.len + event->payload.len +
           sizeof(uint32_t) * ((size_t)event->webhook_count + event->missed_count);
}

const char *event_form_name(enum event_form form)
{
    static const char *const names[] = {"data", "fields", "override"};
    CHECK(form < COUNT_OF(names));
    return names[form];
}

bool event_name_is_valid(struct span name)
{
    if (name.len == 0 || name.len > EVENT_MAX_NAME)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '.' || c == '-'))
            return false;
    }
    return true;
}

static void pack_numbers(struct buf *out, const uint32_t *numbers, uint32_t count)
{
    pack_uint(out, count);
    for (uint32_t i = 0; i < count; i++)
        pack_uint(out, numbers[i]);
}

static uint32_t *unpack_numbers(struct unpack *u, uint32_t *count)
{
    uint64_t n = unpack_uint(u);
    *count = 0;
    if (n > u->rest.len) { // each takes a byte at least
        u->is_bad = true;
        return NULL;
    }
    uint32_t *numbers = n > 0 ? xcalloc(n, sizeof *numbers) : NULL;
    for (uint64_t i = 0; i < n; i++)
        numbers[i] = (uint32_t)unpack_uint(u);
    *count = (uint32_t)n;
    return numbers;
}

enum { HAS_WEBHOOK = 1, HAS_HASH = 2, IS_ERASED = 4 };

// Times are kept as differences to accepted_ms + 1, so that "not given" is one byte.
static void pack_time(struct buf *out, const struct event *event, int64_t time_ms)
{
    pack_int(out,
             time_ms == 0 ? 0 : time_ms - event->accepted_ms + (time_ms >= event->accepted_ms));
}

static int64_t unpack_time(struct unpack *u, const struct event *event)
{
    int64_t d = unpack_int(u);
    return d == 0 ? 0 : event->accepted_ms + (d > 0 ? d - 1 : d);
}

void event_pack(const struct event *event, struct buf *out)
{
    uint64_t flags = (event->has_webhook ? HAS_WEBHOOK : 0) | (event->key_id.len ? HAS_HASH : 0) |
                     (event->is_erased ? IS_ERASED : 0);
    pack_uint(out, EVENT_VERSION);
    pack_uint(out, flags);
    pack_uint(out, event->form);
    pack_raw(out, event->id.bytes, sizeof event->id.bytes);
    pack_int(out, event->accepted_ms);
    pack_time(out, event, event->time_ms);
    pack_time(out, event, event->deliver_at_ms);
    pack_time(out, event, event->expires_at_ms);
    if (event->has_webhook)
        pack_raw(out, event->webhook.bytes, sizeof event->webhook.bytes);
    if (event->key_id.len > 0)
        pack_raw(out, event->content_hash, sizeof event->content_hash);
    pack_uint(out, (uint64_t)event->uid + 1);
    pack_uint(out, (uint64_t)event->pid + 1);
    pack_bytes(out, event->tenant);
    pack_bytes(out, event->name);
    pack_bytes(out, event->key_id);
    pack_bytes(out, event->order_key);
    pack_bytes(out, event->time);
    pack_bytes(out, event->traceparent);
    pack_numbers(out, event->webhooks, event->webhook_count);
    pack_numbers(out, event->missed, event->missed_count);
    pack_bytes(out, event->payload);
}

enum err event_unpack(uint64_t seq, struct span record, struct event **out)
{
    struct unpack u;
    struct event head = {.seq = seq};
    struct event_source source = {0};
    uint32_t webhook_count = 0;
    uint32_t missed_count = 0;

    unpack_init(&u, record);
    if (unpack_uint(&u) != EVENT_VERSION)
        return u.is_bad ? ERR_CORRUPT : ERR_VERSION;
    uint64_t flags = unpack_uint(&u);
    uint64_t form = unpack_uint(&u);
    unpack_raw(&u, head.id.bytes, sizeof head.id.bytes);
    head.accepted_ms = unpack_int(&u);
    source.time_ms = unpack_time(&u, &head);
    source.deliver_at_ms = unpack_time(&u, &head);
    source.expires_at_ms = unpack_time(&u, &head);
    if (flags & HAS_WEBHOOK) {
        unpack_raw(&u, head.webhook.bytes, sizeof head.webhook.bytes);
        source.webhook = &head.webhook;
    }
    if (flags & HAS_HASH)
        unpack_raw(&u, head.content_hash, sizeof head.content_hash);
    source.uid = (uint32_t)(unpack_uint(&u) - 1);
    source.pid = (uint32_t)(unpack_uint(&u) - 1);
    source.tenant = unpack_bytes(&u);
    source.name = unpack_bytes(&u);
    source.key_id = unpack_bytes(&u);
    source.order_key = unpack_bytes(&u);
    source.time = unpack_bytes(&u);
    source.traceparent = unpack_bytes(&u);
    uint32_t *webhooks = unpack_numbers(&u, &webhook_count);
    uint32_t *missed = unpack_numbers(&u, &missed_count);
    source.payload = unpack_bytes(&u);
    if (u.is_bad || form > EVENT_OVERRIDE) {
        xfree(webhooks);
        xfree(missed);
        return ERR_CORRUPT;
    }
    source.form = (enum event_form)form;
    struct event *event = event_new(&source);
    event->seq = seq;
    event->id = head.id;
    event->accepted_ms = head.accepted_ms;
    event->is_erased = flags & IS_ERASED;
    memcpy(event->content_hash, head.content_hash, sizeof head.content_hash);
    event_set_webhooks(event, webhooks, webhook_count, missed, missed_count);
    *out = event;
    return OK;
}
