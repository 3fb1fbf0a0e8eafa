// SPDX-License-Identifier: MIT
// The script hosts together: who gets which visit, batches, the spare, and what happens when a host
// ends; main only.
//
// A queue (a webhook's) belongs to a slot, and so a tenant to a host. Queues of a slot take turns;
// a turn is a batch of visits of one queue. A host that ends leaves its slot to the spare at once:
// what it had not answered runs again there, in the old order, but for the visit that is blamed.
#pragma once

#include <uv.h>

#include "base/list.h"
#include "script/host.h"

struct pool;

struct pool_config {
    uv_loop_t *loop;
    const char *self; // path of the program; borrowed
    uint32_t hosts;   // slots, besides the one for checks
};

struct pool_queue {
    struct list waiting;   // visits
    struct list_node turn; // in the slot's list of queues that have some
    uint32_t slot;
    int64_t cost_ns; // CPU time that a visit of it takes, as seen so far
};
void pool_queue_init(struct pool_queue *queue, uint32_t slot);

// How a visit ended that got no answer.
struct pool_end {
    enum script_result result;
    const char *cause; // static, for people: "tried a forbidden system call"
    uint32_t script;   // number of the version that ran, as the host said; 0: not known
    int64_t cpu_ns;    // that it had used; -1: not known
};

enum pool_answer {
    POOL_TAKEN,  // the visit is the caller's again
    POOL_AGAIN,  // its host was stalled: run it again
    POOL_FORGED, // no host may say this: kill it
};

struct pool_visit;
struct pool_visit_type {
    // Puts all frames that the visit needs into host_out(host); again after each lost host.
    void (*put)(struct pool_visit *visit, struct host *host);
    enum pool_answer (*on_answer)(struct pool_visit *visit, const struct frame *frame);
    // The visit is the caller's again.
    void (*on_end)(struct pool_visit *visit, const struct pool_end *end);
};

#define POOL_VISIT_MAGIC 0x50565354u
#define POOL_MAX_STALLS  3 // hosts that one visit may lose without being blamed
struct pool_visit {
    uint32_t magic;
    struct list_node node; // the pool's
    const struct pool_visit_type *type;
    struct pool_queue *queue;  // borrowed
    uint64_t id;               // set by pool_submit
    int64_t cpu_max, wall_max; // budget, ns
    int64_t cost_ns;           // the pool's: as expected when it was sent
    uint32_t stalls;           // hosts that ended under it, nobody to blame
};

// Starts the first host; pool_is_up tells when it works. `message` when it cannot even be started.
MUST_CHECK enum err pool_start(struct pool **out, const struct pool_config *config,
                               struct errmsg *message);
// What is not answered yet ends with SCRIPT_KILLED; on_stopped when all processes are reaped.
void pool_stop(struct pool *pool, void (*on_stopped)(void *context), void *context);

// A host has come up since the start? `failure` gets the last reason why one did not; "": none.
bool pool_is_up(const struct pool *pool, const char **failure);
// Slot of a tenant, and the one for checks.
uint32_t pool_slot(const struct pool *pool, struct span tenant);
uint32_t pool_check_slot(const struct pool *pool);

// The visit is the pool's until on_answer has taken it or on_end was called; neither happens within.
void pool_submit(struct pool *pool, struct pool_visit *visit);
// Hands over what was submitted.
void pool_flush(struct pool *pool);

// No host may go on that knows this key: it finishes what it has and ends.
void pool_retire(struct pool *pool, uint64_t key);
// Tells all hosts that know it that a webhook's number (of facts) is not used any more.
void pool_forget(struct pool *pool, uint32_t number);
// Keys of host_knows.
uint64_t pool_facts_key(uint32_t number);
uint64_t pool_script_key(uint32_t number);
uint64_t pool_webhook_key(uint32_t webhook); // any of its revisions

struct pool_stats {
    uint64_t visits, kills, restarts;
    uint32_t hosts, waiting;
};
void pool_stats(const struct pool *pool, struct pool_stats *out);
