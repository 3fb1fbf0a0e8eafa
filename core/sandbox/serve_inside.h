// SPDX-License-Identifier: MIT
// What serve.c, serve_visit.c and serve_check.c share; included by nothing else. Script host only.
#pragma once

#include "base/map.h"
#include "sandbox/run.h"
#include "sandbox/serve.h"
#include "sandbox/states.h"

struct webhook_facts {
    char *bytes; // owned: the payload as it came
    size_t len;
};

struct serve {
    struct frame_board *board; // borrowed
    int64_t clock_ns;          // when serve_say was last called
    struct run run;
    struct pipeline *pipeline; // owned
    struct states *states;     // owned
    struct map versions;       // number → struct version *, owned
    struct map webhooks;       // number → struct webhook_facts *, owned
    struct buf text;           // descriptions, reports

    // The webhook at hand, unpacked; the next visit is often the same one's.
    uint32_t at_hand; // number; 0: none
    struct frame_webhook webhook;

    // The visit at hand.
    struct frame_visit visit;
    struct frame_pair headers[FRAME_MAX_HEADERS];
    struct visit_header in_headers[FRAME_MAX_HEADERS];
    struct visit_header in_env[FRAME_MAX_ENV];
    struct visit_script scripts[FRAME_MAX_SCRIPTS];
    struct state *held[FRAME_MAX_SCRIPTS];
    struct frame_used used[FRAME_MAX_SCRIPTS]; // by the visit at hand
    uint32_t test;                             // golden test that runs, from 1; 0: none
    int running;                               // index of the script that ran last; -1: none has
    int64_t since_ns;                          // CPU clock: from when on time is its
    struct span secrets[FRAME_MAX_SECRETS];
    struct frame_pair out_headers[FRAME_MAX_HEADERS];
    struct frame_problems problems;
    char reason[FRAME_MAX_REASON];
};

// The visit that is served from now on, for the watchdog; 0: none. Answers the CPU clock, ns.
int64_t serve_say(struct serve *serve, uint64_t visit);
// Unpacks what is known of a webhook; false: nothing is.
bool serve_recall(struct serve *serve, uint32_t number);
// At most `max` bytes, not in the middle of a character.
struct span serve_cut(struct span text, size_t max);

// What follows is used by that state's script; the clock is only read when it is another than before.
void serve_enter(struct serve *serve, const struct state *state);
// Drops all that was remembered.
void serve_forget_all(struct serve *serve);

// serve_visit.c
bool serve_visit(struct serve *serve, const struct frame *frame, struct buf *to);
// serve_check.c
bool serve_check_script(struct serve *serve, const struct frame *frame, struct buf *to);
bool serve_check_webhook(struct serve *serve, const struct frame *frame, struct buf *to);
