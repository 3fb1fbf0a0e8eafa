// SPDX-License-Identifier: MIT
// An event: what a producer said; immutable once accepted, one allocation, reference-counted.
//
// Made by ingest on main; main, store and reader threads hold references (the count is atomic).
#pragma once

#include "base/buf.h"
#include "base/uid.h"

enum event_form { EVENT_DATA, EVENT_FIELDS, EVENT_OVERRIDE };
#define EVENT_MAX_NAME 128
#define EVENT_MAX_KEY  128
// Events of the engine itself begin so; a pattern matches them only when it begins so, too.
#define EVENT_ENGINE_PREFIX "grapnel."

#define EVENT_MAGIC         0x45564e54u
struct event {
    uint32_t magic;
    uint32_t refs;         // atomic
    uint64_t seq;          // sequence number, set when it is accepted
    struct uid id;         // public id, = webhook-id
    int64_t accepted_ms;   // wall clock
    int64_t time_ms;       // when it happened; = accepted_ms when not given
    int64_t deliver_at_ms; // 0: at once
    int64_t expires_at_ms; // 0: never
    enum event_form form;
    bool has_webhook; // for `webhook` alone
    struct uid webhook;
    bool is_erased; // an operator erased the content
    uint32_t uid;   // of the producer; UINT32_MAX: unknown (HTTP)
    uint32_t pid;
    struct span tenant; // all spans lie in this allocation
    struct span name;
    struct span key_id;    // the producer's idempotency key; empty: none
    struct span order_key; // `key`; empty: none
    struct span time;      // as the producer wrote it; empty: not given
    struct span traceparent;
    struct span payload;      // bytes of data, fields or override, as they came
    uint8_t content_hash[32]; // only with key_id: SHA-256, see wire.md
    uint32_t *webhooks;       // owned: numbers of the webhooks it goes to, index = place; set once
    uint32_t webhook_count;
    uint32_t *missed; // owned: numbers of inactive webhooks that match
    uint32_t missed_count;
};

// What event_new copies: spans are borrowed from the line.
struct event_source {
    enum event_form form;
    int64_t time_ms, deliver_at_ms, expires_at_ms; // 0: not given
    const struct uid *webhook;                     // NULL: all that match
    uint32_t uid, pid;
    struct span tenant, name, key_id, order_key, time, traceparent, payload;
};

// One allocation; seq, id, accepted_ms and the lists are still unset. One reference.
struct event *event_new(const struct event_source *source);
struct event *event_ref(struct event *event);
void event_unref(struct event *event); // NULL is fine
// Takes the arrays (xmalloc'ed, may be NULL).
void event_set_webhooks(struct event *event, uint32_t *webhooks, uint32_t count, uint32_t *missed,
                        uint32_t missed_count);
// Memory that it holds, bytes.
size_t event_size(const struct event *event);
// "data", "fields", "override".
const char *event_form_name(enum event_form form);
// 1-128 of A-Z a-z 0-9 _ . -
bool event_name_is_valid(struct span name);

// The record that the store keeps, and back. ERR_CORRUPT, ERR_VERSION.
void event_pack(const struct event *event, struct buf *out);
MUST_CHECK enum err event_unpack(uint64_t seq, struct span record, struct event **out);
