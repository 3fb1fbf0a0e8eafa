// SPDX-License-Identifier: MIT
// Lists per webhook without an index that each commit must maintain: what settles is gathered in
// memory, and written as one sorted list per webhook every few thousand settlements; store thread.
//
// A run's list is a hint, the row decides. What is not in a run yet is in run_tail, one row per
// transaction; it is loaded again after a crash.
#pragma once

#include "base/buf.h"
#include "model/delivery.h"
#include "store/sqlite_db.h"

#define SQLITE_RUNS_ENTRIES 16384 // settlements in a run

struct sqlite_runs_entry {
    uint64_t id;
    uint32_t webhook;
    uint32_t state;
};

struct sqlite_runs {
    struct sqlite_runs_entry *entries; // owned: settled since the last run
    size_t count, capacity;
    uint64_t txn;    // last row of run_tail
    uint64_t run;    // last run
    uint64_t runs;   // how many there are
    uint64_t max_id; // the highest id in all runs
};

MUST_CHECK enum err sqlite_runs_load(struct sqlite_runs *runs, struct sqlite_db *db);
void sqlite_runs_deinit(struct sqlite_runs *runs);
// Within a transaction: one settlement's entry into a tail row's record, then the row.
void sqlite_runs_pack(struct buf *tail, uint64_t id, uint32_t webhook, enum delivery_state state);
MUST_CHECK enum err sqlite_runs_write_tail(struct sqlite_runs *runs, struct sqlite_db *db,
                                           struct span tail);
// After the commit.
void sqlite_runs_apply_tail(struct sqlite_runs *runs, struct span tail);
// Within a transaction: the run from what is gathered; after the commit: forget that.
MUST_CHECK enum err sqlite_runs_flush(struct sqlite_runs *runs, struct sqlite_db *db);
void sqlite_runs_flushed(struct sqlite_runs *runs);
// Reads one entry off a tail record; false at its end. `is_bad`: damaged.
struct unpack;
bool sqlite_runs_unpack(struct unpack *u, struct sqlite_runs_entry *out);
// The same for the list of a run; `*id` starts at 0.
bool sqlite_runs_unpack_list(struct unpack *u, uint64_t *id, enum delivery_state *state);
