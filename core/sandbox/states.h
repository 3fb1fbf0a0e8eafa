// SPDX-License-Identifier: MIT
// Loaded scripts: one Lua state per tenant and script version, the least recently used go first.
// Script host only.
#pragma once

#include "base/list.h"
#include "sandbox/limits.h"
#include "sandbox/pipeline.h"

#define STATES_MAX 500

// A script version as the engine sent it.
struct version {
    uint32_t number;   // the engine's
    char *name, *hash; // owned; "slack", 64 hex digits
    char *source;      // owned
    size_t len;        // bytes of the source
};

#define STATE_MAGIC 0x53544154u
struct state {
    uint32_t magic;
    struct list_node node; // by use, the last one first
    struct limits limits;
    lua_State *L;                   // owned
    struct pipeline_script *script; // owned
    const struct version *version;  // borrowed: outlives the state
    bool is_held;                   // by the visit under way: not to be dropped
    size_t key_len;
    char *key; // owned: number and tenant
};

struct states;
// `pipeline` is borrowed.
struct states *states_new(struct pipeline *pipeline);
void states_free(struct states *states);

// The state of that version and tenant, loaded when there is none; it is held until states_release.
// What is wrong is in `message` when the answer is not VISIT_DONE.
enum visit_result states_hold(struct states *states, struct span tenant,
                              const struct version *version, size_t ceiling, struct state **out,
                              struct errmsg *message);
// Nothing is held any more; trims what is too much.
void states_release(struct states *states);
// After a stop, or when memory ran out: what it left behind is not trusted.
void states_drop(struct states *states, struct state *state);
// All of them, because a version goes.
void states_drop_all(struct states *states);
size_t states_count(const struct states *states);
