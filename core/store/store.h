// SPDX-License-Identifier: MIT
// The store as main sees it: operations that are sent to the store or reader thread and come back.
//
// An operation is owned by the store from store_submit until its on_done has been called, on main.
// Appends and settlements that wait together share one commit (group commit). Operations of one
// kind finish in the order in which they were submitted; what is not a claim also sees all that was
// submitted before it, and nothing that came after. Everything here: main only.
//
// Failures: ERR_NO_SPACE, ERR_BUSY, ERR_IO: nothing of it was stored, try again. ERR_INTERRUPTED:
// its fate is unknown; on_fatal follows, and what is submitted later gets ERR_CLOSED.
#pragma once

#include <uv.h>

#include "store/backend.h"

struct store;

enum store_op_kind {
    STORE_APPEND,
    STORE_SETTLE,
    STORE_CLAIM,
    STORE_RETRY,
    STORE_CANCEL,
    STORE_PRUNE,
    STORE_PUT,
    STORE_REMOVE,
    STORE_NOTE,
    STORE_SCRIPTS,
    STORE_READ, // runs on the reader thread
    STORE_QUIT, // the store's own
};

#define STORE_OP_MAGIC 0x53544f50u
struct store_op {
    uint32_t magic;        // STORE_OP_MAGIC: store_op_init
    struct list_node node; // the store's
    enum store_op_kind kind;
    enum err err;                         // out
    void (*on_done)(struct store_op *op); // main; owns the operation again
    void *context;                        // the submitter's
};

// Containers: op is first, so that on_done casts.
struct store_append {
    struct store_op op;
    struct append append;
};
struct store_settle {
    struct store_op op;
    struct settlement settlement;
};
struct store_claim {
    struct store_op op;
    uint32_t webhook;
    int64_t now_ms;
    size_t max; // at most STORE_CLAIM_MAX
#define STORE_CLAIM_MAX 256
    struct claimed *rows; // the submitter's, room for max
    size_t count;         // out
    int64_t next_due_ms;  // out
};
struct store_retry {
    struct store_op op;
    struct redo *list; // the submitter's; in and out, see journal.retry
    size_t count;      // at most STORE_RETRY_MAX
    int64_t now_ms;
#define STORE_RETRY_MAX 256
};
struct store_cancel {
    struct store_op op;
    uint32_t webhook;
    int64_t now_ms;
    size_t max;
    size_t count; // out
};
struct store_prune {
    struct store_op op;
    int64_t events_before_ms, dead_before_ms;
    size_t max;
    size_t count; // out
};
struct store_object { // STORE_PUT, STORE_REMOVE, STORE_NOTE
    struct store_op op;
    struct object object; // spans are the submitter's and must live until on_done
};
struct store_scripts {
    struct store_op op;
    struct script_change change; // steps and spans are the submitter's and must live until on_done
};
// Runs `read` on the reader thread; it must not touch anything but its arguments.
struct store_read {
    struct store_op op;
    enum err (*read)(const struct query *query, struct query_conn *conn, void *context);
};

static inline void store_op_init(struct store_op *op, enum store_op_kind kind,
                                 void (*on_done)(struct store_op *op), void *context)
{
    *op = (struct store_op){
        .magic = STORE_OP_MAGIC, .kind = kind, .on_done = on_done, .context = context};
}

// Opens (blocking, before the loop runs), answers where to begin, starts both threads. `on_fatal`
// is called on main when the store can no longer be trusted (failed fsync, commit of unknown fate):
// the engine must stop accepting and exit.
MUST_CHECK enum err store_start(struct store **out, uv_loop_t *loop, const struct backend *backend,
                                const struct store_config *config, struct journal_start *start,
                                void (*on_fatal)(void *context, const char *why), void *context,
                                struct errmsg *message);
// Finishes what was submitted, closes, joins; frees the store before on_stopped. Nothing may be
// submitted from here on.
void store_stop(struct store *store, void (*on_stopped)(void *context), void *context);

// Only between store_start and the first turn of the loop; blocking. See backend.h.
MUST_CHECK enum err store_load(struct store *store, enum object_kind kind,
                               void (*on_object)(void *context, const struct object *object),
                               void *context);
MUST_CHECK enum err store_load_scripts(struct store *store,
                                       void (*on_row)(void *context, const struct script_row *row),
                                       void *context);
MUST_CHECK enum err store_owed(struct store *store, size_t max, struct claimed *out, size_t *count);

void store_submit(struct store *store, struct store_op *op);

struct store_stats {
    struct journal_gauges gauges; // of the last commit or idle moment
    uint64_t commits, batch_items, errors;
    int64_t last_commit_us;
    uint64_t commit_us_sum;
    uint64_t commit_us_buckets[16]; // histogram, powers of two from 128 us; the last: all above
    uint64_t batch_buckets[12];     // items per commit, powers of two from 1
    uint64_t reads, read_timeouts, read_us_sum;
    enum err health; // OK, NO_SPACE, IO …: of the last commit
};
void store_stats(const struct store *store, struct store_stats *out);
