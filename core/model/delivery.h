// SPDX-License-Identifier: MIT
// A delivery: one event for one webhook, the thing that is retried; owned by main.
#pragma once

#include "base/list.h"
#include "model/event.h"
#include "model/outcome.h"

enum delivery_state {
#define X(name, text, holder, next) DELIVERY_##name,
#include "model/delivery.def"
#undef X
    DELIVERY_STATE_COUNT
};

// Id of a delivery: the event's sequence number and the place in the event's list of webhooks.
#define DELIVERY_MAX_WEBHOOKS 65536
static inline uint64_t delivery_id(uint64_t seq, uint32_t index)
{
    return seq << 16 | index;
}
static inline uint64_t delivery_seq(uint64_t id)
{
    return id >> 16;
}
static inline uint32_t delivery_index(uint64_t id)
{
    return (uint32_t)(id & 0xffff);
}

#define DELIVERY_MAGIC 0x44454c49u
struct delivery {
    uint32_t magic;
    enum delivery_state state; // written by delivery_move only
    struct list_node node;     // in the list that its state names
    struct list_node age_node; // in dispatch's list of deliveries without a row, oldest first
    uint64_t id;               // delivery_id()
    struct event *event;       // one reference; NULL until it is read back
    uint32_t webhook;          // the webhook's number
    uint32_t attempts;         // attempts made so far
    bool has_row;              // a pending row exists in the store
    bool is_settling;          // its outcome is on the way to the store
    bool is_replay;            // made by an operator: behind live traffic
    uint32_t kills;            // renderings that ended with the host killed
    int64_t committed_mono_ms; // when its event was committed, or it was claimed
    int64_t ready_mono_ms;     // since when it waits for its turn
    const char *last_reason;   // static: why it moved last
};

// "pending".
const char *delivery_state_name(enum delivery_state state);
bool delivery_state_parse(struct span name, enum delivery_state *out);
bool delivery_state_is_final(enum delivery_state state);
// The only writer of a state: checks the move against delivery.def (an illegal one aborts) and
// leaves the list that held it. `reason` is static, for people, and mandatory.
void delivery_move(struct delivery *delivery, enum delivery_state to, const char *reason);
