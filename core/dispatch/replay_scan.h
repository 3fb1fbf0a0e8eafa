// SPDX-License-Identifier: MIT
// Looking for what a replay sends again: slices of deliveries and of missed events, oldest first;
// begun on main, read on the reader thread, answered on main.
#pragma once

#include "dispatch/replay.h"

#define REPLAY_SLICE_MAX 250

// Where the search stands. Settled deliveries come first, then missed events.
struct replay_scan {
    struct replay_order order;
    uint64_t end_seq;                   // events from here on came after it began
    uint64_t at_delivery, at_event;     // looked through up to here; UINT64_MAX >> 1: all
    uint64_t next_delivery, next_event; // where it stands once what was found is made
    uint32_t most;                      // deliveries of a slice, at most REPLAY_SLICE_MAX
    bool is_over;                       // nothing is left, once what was found is made
};

struct replay_found {
    enum err err;
    bool is_missed; // events, as their place 0; else deliveries
    uint64_t deliveries[REPLAY_SLICE_MAX];
    struct event *events[REPLAY_SLICE_MAX]; // borrowed
    size_t count;
    uint64_t first_seq; // of the first event that was looked at; 0: of none
};

typedef void replay_found_fn(void *context, struct replay_found *found);

void replay_scan_begin(struct replay_scan *scan, const struct replay_order *order,
                       uint64_t end_seq);
// Finds the next slice, which may be empty; `on_found` is called later, on main. The scan must stay
// until then, and moves only by replay_scan_accept. Takes a reference of the webhook.
void replay_scan_run(struct store *store, struct replay_scan *wanted, struct webhook *webhook,
                     replay_found_fn *on_found, void *context);
void replay_scan_accept(struct replay_scan *scan);
// The event at which it stands; of the two walks the one that is under way.
uint64_t replay_scan_seq(const struct replay_scan *scan);
