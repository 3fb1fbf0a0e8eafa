// SPDX-License-Identifier: MIT
// The one writer of a delivery's state, by the table delivery.def; main only.
#include "model/delivery.h"

#define TO(state) | 1u << DELIVERY_##state

static const struct {
    const char *name;
    uint32_t next; // bit set of states that it may go to
} states[DELIVERY_STATE_COUNT] = {
#define X(name, text, holder, next) {text, 0 next},
#include "model/delivery.def"
#undef X
};

const char *delivery_state_name(enum delivery_state state)
{
    CHECK(state < DELIVERY_STATE_COUNT);
    return states[state].name;
}

bool delivery_state_parse(struct span name, enum delivery_state *out)
{
    for (int i = 0; i < DELIVERY_STATE_COUNT; i++) {
        if (span_is(name, states[i].name)) {
            *out = (enum delivery_state)i;
            return true;
        }
    }
    return false;
}

bool delivery_state_is_final(enum delivery_state state)
{
    return state >= DELIVERY_DELIVERED;
}

void delivery_move(struct delivery *delivery, enum delivery_state to, const char *reason)
{
    CHECK(delivery->magic == DELIVERY_MAGIC && reason != NULL);
    CHECK(states[delivery->state].next & 1u << to);
    list_remove(&delivery->node);
    delivery->state = to;
    delivery->last_reason = reason;
}
