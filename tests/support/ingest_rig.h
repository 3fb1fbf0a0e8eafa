// SPDX-License-Identifier: MIT
// An ingest on a loop, with a dispatch that answers when it is told, and clients; one thread.
#pragma once

#include <uv.h>

#include "ingest/ingest.h"

// A line that was accepted and not answered yet.
struct rig_pending {
    struct event *event; // owned
    ingest_answer_fn *answer;
    void *token;
};

struct rig {
    uv_loop_t loop;
    struct ingest *ingest;
    struct config *config;
    struct ingest_limits limits; // as given, or the engine's
    char folder[64];
    char path[96];

    struct rig_pending *pending; // owned
    size_t count, capacity;
    uint64_t accepted;  // events that came, = the last number given out
    size_t most;        // pending at once, so far
    bool is_immediate;  // answers at once
    bool is_refusing;   // may_write says no
    char names[4][129]; // of the last events: name, tenant, id, payload (cut)
    uint32_t uid, pid;  // of the last event
    bool is_drained, is_stopped;
};

// NULL limits: the engine's. `max_event_bytes`: 0: the default.
void rig_start(struct rig *rig, const struct ingest_limits *limits, size_t max_event_bytes);
// Stops with force, answers what is left, and closes the loop cleanly.
void rig_stop(struct rig *rig);
// Turns of the loop until nothing happens for a while.
void rig_turn(struct rig *rig);
// Answers `count` pending lines, from the front, the back or any place.
enum rig_order { RIG_FIRST, RIG_LAST, RIG_ANY };
void rig_answer(struct rig *rig, size_t count, enum rig_order order);
// Answers the oldest with an error.
void rig_answer_code(struct rig *rig, enum wire_code code, const char *message);

struct client {
    struct rig *rig;
    int fd;         // non-blocking; -1: closed
    struct buf in;  // replies that were read
    uint64_t lines; // complete ones among them
    bool is_ended;  // end of file
    bool is_reset;  // the engine closed without taking everything
};
void client_open(struct client *c, struct rig *rig);
void client_close(struct client *c);
// What the kernel takes now; returns how much.
size_t client_try_send(struct client *c, const char *bytes, size_t len);
// All of it, with turns of the loop, reading replies meanwhile.
void client_send(struct client *c, const char *text);
void client_send_bytes(struct client *c, const char *bytes, size_t len);
// What is there now.
void client_read(struct client *c);
// Turns and reads until there are that many lines in all, or the end of file.
void client_wait(struct client *c, uint64_t lines);
void client_wait_end(struct client *c);
// The n-th line from 0, without its line feed.
struct span client_line(const struct client *c, uint64_t n);
