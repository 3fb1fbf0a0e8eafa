// SPDX-License-Identifier: MIT
// Where attempts go: one entry per origin, and who may look its name up when; one sender thread.
//
// libcurl looks names up in threads of its own, one per lookup. At most TARGET_MAX_LOOKUPS run at
// once and one per origin: the first attempt goes ahead as the scout, the others wait for what it
// learns. An answer is good for TARGET_MAX_AGE_MS, or until a connection fails. A name whose lookup
// was given up on is a suspect: suspects share few of the places and wait longer and longer, so
// that a name server that never answers costs nobody but its own names. The thread of a lookup that
// was given up on may live on for a while; such threads are counted, too.
#pragma once

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "send/guard.h"

#define TARGET_MAX_LOOKUPS   32
#define TARGET_MAX_SUSPECTS  8     // of them
#define TARGET_MAX_LINGERING 96    // threads of lookups that were given up on
#define TARGET_LINGER_MS     30000 // how long such a thread may live
#define TARGET_AGAIN_MS      5000  // until a suspect is looked up again; doubles
#define TARGET_AGAIN_MAX_MS  60000
#define TARGET_MAX_AGE_MS    60000
#define TARGET_MAX_COUNT     16384 // entries that are kept while nobody uses them

enum target_state {
    TARGET_UNKNOWN, // its address must be looked up
    TARGET_QUEUED,  // waits for a place among the lookups
    TARGET_LOOKING, // a scout is on its way
    TARGET_KNOWN,   // libcurl has its address
};

struct target {
    struct list_node node;    // in targets.idle while users is 0
    struct list_node queued;  // in targets.queue: QUEUED, no suspect
    struct heap_node suspect; // in targets.suspects: QUEUED, by not_before_ms
    struct list_node settled; // in targets.settled: its waiting ones may go on
    struct list waiting;      // attempts; the thread's
    char *origin;             // owned: "https://example.com:8443", the key
    struct guard_target at;   // host and port
    enum target_state state;
    bool needs_no_lookup;  // an address, localhost, or the proxy's business
    uint32_t multi;        // number of its multi
    uint32_t users;        // attempts that are under way or waiting
    int64_t known_at_ms;   // monotonic; KNOWN
    int64_t not_before_ms; // monotonic; no lookup of a suspect before that
    int64_t again_ms;      // wait after the next lookup that is given up on; 0: no suspect
    bool is_suspect_look;  // LOOKING, and one of targets.suspects_looking
};

struct targets {
    struct strmap by_origin;   // struct target, owned
    struct list idle;          // the longest unused first
    struct list queue;         // that wait for a place
    struct heap suspects;      // that wait for one, too, and for their time
    struct list settled;       // whose waiting ones may go on, or must look at the state again
    uint32_t looking;          // lookups under way
    uint32_t suspects_looking; // of them
    int64_t lingering[TARGET_MAX_LINGERING]; // monotonic ms: when each place is free again
    uint32_t multis;                         // of this thread
    uint32_t threads;                        // of all
    bool has_proxy;
};

void targets_init(struct targets *targets, uint32_t threads, uint32_t multis, bool has_proxy);
void targets_deinit(struct targets *targets);

// The part of a URL that decides which connections it may use: scheme and authority, as written.
struct span target_origin(struct span url);
// Finds or makes the entry and counts a user. NULL: the URL is malformed, `message` says how.
struct target *targets_use(struct targets *targets, struct span url, struct errmsg *message);
void targets_unuse(struct targets *targets, struct target *target);
// The longest unused entry when there are too many, taken out; the caller tells libcurl to forget
// its address, then target_free.
struct target *targets_evict(struct targets *targets);
void target_free(struct target *target);

// May an attempt leave right away? False: it must wait in `target->waiting`.
bool target_is_ready(const struct target *target);
// Asks for a lookup; KNOWN and LOOKING targets are left alone.
void targets_want(struct targets *targets, struct target *target);
// The next target that may look its name up now (it is then LOOKING), or NULL. `next_ms` gets the
// time at which asking again makes sense, INT64_MAX for never.
struct target *targets_next(struct targets *targets, int64_t now_ms, int64_t *next_ms);
// What became of the lookup of a LOOKING target: an address, none, or it was given up on.
void targets_found(struct targets *targets, struct target *target, int64_t now_ms);
void targets_failed(struct targets *targets, struct target *target, bool is_hanging,
                    int64_t now_ms);
// A connection failed, or its address is too old: look it up before the next one.
void targets_doubt(struct target *target);
bool target_is_stale(const struct target *target, int64_t now_ms);
