// SPDX-License-Identifier: MIT
// Replays: an operator's selection of one webhook's deliveries, sent again slice by slice behind
// live traffic (delivery.md, Retries); main only.
//
// A webhook has at most one: the one that is under way, or the last that ended. A slice is read on
// the reader thread, oldest first, and made due in one operation of the store; the next one follows
// when nothing of the webhook is due any more, so that a new event never waits behind more than one.
// Where it stands is stored every few seconds and when it ends: after a crash the last slices may be
// sent again, as everything that is not known to have arrived.
#pragma once

#include "dispatch/keep.h"
#include "dispatch/state.h"

// In `what`, beside 1u << enum delivery_state: events that the webhook wants and that have no
// delivery to it, because it was inactive, another one, or not there.
#define REPLAY_MISSED (1u << 31)

struct replay_order {
    uint32_t what;                       // a set of final states and REPLAY_MISSED; not empty
    enum outcome outcome;                // of settled ones; OUTCOME_NONE: any
    int64_t since_ms, until_ms;          // accepted; 0: no bound
    char event_name[EVENT_MAX_NAME + 1]; // empty: any
};

enum replay_state { REPLAY_RUNNING, REPLAY_PAUSED, REPLAY_DONE, REPLAY_CANCELLED };

#define REPLAY_MAX_BY 64
struct replay_view {
    const struct replay_order *order; // borrowed until the loop turns
    enum replay_state state;
    const char *reason;           // why it ended or waits; static; NULL: nothing to say
    const char *by;               // who wanted it; likewise borrowed
    uint64_t made, skipped;       // deliveries; skipped: were being sent, or their events are gone
    int64_t started_ms, ended_ms; // wall clock; ended 0: it has not
    int percent;                  // of the events that it looks through
};

const char *replay_state_name(enum replay_state state);
// "missed", or the name of a state.
bool replay_parse_what(struct span name, uint32_t *bit);
void replay_write_what(uint32_t what, struct json_writer *w); // an array of names

// ERR_NOT_FOUND: no such webhook; ERR_DENIED: it is inactive; ERR_CONFLICT: one is under way.
MUST_CHECK enum err dispatch_replay_start(struct dispatch *d, uint32_t number,
                                          const struct replay_order *order, struct span by);
// ERR_NOT_FOUND: the webhook has none that is under way.
enum replay_change { REPLAY_PAUSE, REPLAY_RESUME, REPLAY_CANCEL };
MUST_CHECK enum err dispatch_replay_change(struct dispatch *d, uint32_t number,
                                           enum replay_change change, struct span by);
// The one that is under way, or the last one. False: there is none.
bool dispatch_replay(const struct dispatch *d, uint32_t number, struct replay_view *out);

// What one would send, without sending: counts at most REPLAY_MOST_COUNTED. `first`: the oldest.
#define REPLAY_MOST_COUNTED 100000
#define REPLAY_FIRST        10
struct replay_count {
    enum err err; // ERR_TIMEOUT: the store was too slow; ERR_NOT_FOUND: the webhook is gone
    uint64_t count;
    bool is_more;                       // there are more than were counted
    uint64_t first[REPLAY_FIRST];       // deliveries; of missed events: place 0
    struct event *events[REPLAY_FIRST]; // borrowed
    size_t first_count;
};
typedef void replay_counted_fn(void *context, const struct replay_count *count);
void dispatch_replay_count(struct dispatch *d, uint32_t number, const struct replay_order *order,
                           replay_counted_fn *on_counted, void *context);

// ---- for dispatch and hooks ----
void replay_start(struct dispatch *d);
void replay_stop(struct dispatch *d, alarm_fn *on_stopped);
void replay_drain(struct dispatch *d); // stores where all of them stand
// At start, for each object of the store; a store_load callback, `context` is the dispatch.
void replay_on_stored(void *context, const struct object *object);
void replay_on_edit(struct dispatch *d, struct hook *hook); // another revision, or removed
void replay_free(struct replay *replay);                    // NULL is fine
