// SPDX-License-Identifier: MIT
// A sender under test: its loop, its guard, a server that misbehaves, and the attempts that ended; the
// test's thread.
#pragma once

#include "send/sender.h"
#include "support/hostile.h"

#define WORLD_MANY 256 // attempts that may end

struct world {
    uv_loop_t loop;
    struct hostile *server;            // owned
    struct guard *guard;               // owned
    struct sender *sender;             // owned
    struct attempt *ended[WORLD_MANY]; // owned; in order
    unsigned ended_count;
    char proxy[32]; // URL of the server
    bool is_stopped;
};

struct world_config {
    const char *allow; // an entry of allow_targets; NULL: none
    uint32_t threads, multis;
    const char *ca_file;        // NULL: the system's
    const char *source_address; // NULL: any
    bool is_proxy;              // the server is the proxy for all
};

// `replies` may be NULL: all is answered by 200.
void world_start(struct world *w, const struct hostile_reply *replies,
                 const struct world_config *config);
// Asserts that nothing is under way; stops within `grace_ms`, checks that the loop closes and that no
// connection stays open, frees all.
void world_stop(struct world *w);
// Only stops the sender; ended attempts stay.
void world_stop_sender(struct world *w, int64_t grace_ms);
void world_free(struct world *w);

// A small POST to `url`.
struct attempt *world_make(const char *url, uint32_t timeout_ms);
void world_send(struct world *w, struct attempt *attempt);
// Waits until `count` have ended in all; the last of them. It is the world's.
struct attempt *world_wait(struct world *w, unsigned count);
// Sends to a path of the server, or to any URL, and waits for the end.
struct attempt *world_post(struct world *w, const char *path, uint32_t timeout_ms);
struct attempt *world_post_to(struct world *w, const char *url, uint32_t timeout_ms);

// Assertions that print both operands.
void assert_outcome(const struct attempt *attempt, enum outcome outcome);
void assert_reason(const struct attempt *attempt, const char *part);
void assert_span(struct span s, const char *text);
