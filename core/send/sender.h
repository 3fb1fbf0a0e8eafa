// SPDX-License-Identifier: MIT
// Sending: attempts go to sender threads and come back with their outcome. Called on main.
//
// Each sender is a thread with a uv loop and a set of libcurl multi handles; targets are hashed to
// a sender and to a multi. One deadline per attempt, bounded response, no redirects.
#pragma once

#include <uv.h>

#include "model/attempt.h"
#include "send/guard.h"

struct sender;

struct sender_config {
    uint32_t threads;
    uint32_t multis_per_thread; // 64
    const struct guard *guard;  // borrowed until stopped
    const char *source_address; // NULL: any
    const char *proxy;          // NULL: none
    const char *ca_file;        // NULL: the system's
};

// Attempts that have ended, in no particular order; the receiver owns them. Called on main.
typedef void sender_done_fn(void *context, struct list *attempts);

MUST_CHECK enum err sender_start(struct sender **out, uv_loop_t *main_loop,
                                 const struct sender_config *config, sender_done_fn *on_done,
                                 void *context, struct errmsg *message);
// Aborts what is under way after `grace_ms` (those come back as OUTCOME_NONE), joins the threads.
void sender_stop(struct sender *sender, int64_t grace_ms, void (*on_stopped)(void *context),
                 void *context);
// Queues an attempt; sender_flush hands all queued ones over (once per turn of the loop).
void sender_send(struct sender *sender, struct attempt **attempt);
void sender_flush(struct sender *sender);

struct sender_stats {
    uint64_t connections_opened, requests, blocked, resent;
    uint32_t under_way;
};
void sender_stats(const struct sender *sender, struct sender_stats *out);
