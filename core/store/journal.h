// SPDX-License-Identifier: MIT
// A backend's journal: events in, deliveries settled, claimed and pruned; store thread only.
//
// Every call blocks and is one transaction; batch-shaped: arrays in, arrays out.
#pragma once

#include "model/delivery.h"

struct vault;
struct store_config {
    const char *location; // path or URL
    int64_t idempotency_window_ms;
    int64_t min_free_bytes;    // of the file system that holds it
    const struct vault *vault; // borrowed; NULL: bodies of objects are kept in the clear
    int64_t query_budget_ms;   // of one query; 0: QUERY_BUDGET_MS
};

struct journal_conn; // a backend's own

enum append_verdict { APPEND_STORED, APPEND_DUPLICATE, APPEND_ID_REUSED };

// Due time that means "stays in memory, no row".
#define APPEND_IN_MEMORY INT64_MIN

// One event to write, with what it owes.
struct append {
    struct event *event;         // borrowed; seq (ascending), id, accepted_ms, webhooks are set
    const int64_t *due_ms;       // per webhook: APPEND_IN_MEMORY, or its pending row's due time;
                                 // NULL: all stay in memory
    enum append_verdict verdict; // out
    struct uid first_id;         // out: DUPLICATE, ID_REUSED: the event that came first
    uint32_t first_deliveries;   // out: of that event
};

// What became of a delivery: state PENDING writes or replaces its pending row, a final state
// deletes it and writes the final row.
struct settlement {
    uint64_t delivery;
    uint32_t webhook;
    enum delivery_state state;
    enum outcome outcome; // of the last attempt; OUTCOME_NONE: none was made
    bool has_row;         // a pending row exists: replaced or deleted
    bool is_unclaim;      // PENDING: gives back a claim; the row stays as it is
    bool is_held;         // PENDING: row written, claim kept or taken (5 s rule: it is being sent)
    bool is_replay;       // PENDING: an operator made it; it goes behind live traffic
    int64_t due_ms;       // PENDING: wall clock; INT64_MAX: not until something else happens
    int64_t at_ms;        // when this was decided
    uint32_t attempts;    // made so far
    uint32_t kills;       // renderings that ended with the host killed, so far
    struct span reason;   // for people; may be empty
    struct span attempt;  // packed record of the attempt that led here; empty: none
};

// A row that was claimed, or that is owed after a start.
struct claimed {
    uint64_t delivery;
    uint32_t webhook;
    struct event *event; // one reference, the caller's
    bool has_row;
    bool is_replay;
    int64_t due_ms;
    uint32_t attempts;
    uint32_t kills;
};

struct claim {
    uint32_t webhook;
    int64_t now_ms;
    size_t max;
    struct claimed *rows; // the caller's, room for max
    size_t count;         // out
    int64_t next_due_ms;  // out: of the first row that was left; INT64_MAX: none
};

// Next due time per webhook, as known at the start.
struct webhook_due {
    uint32_t webhook;
    int64_t due_ms;
    uint64_t rows;
};

struct journal_start {
    uint64_t next_seq;  // the first sequence number that is free
    uint8_t id_key[32]; // the database's own, for ids
    uint64_t low_water;
    struct webhook_due *due; // owned by the caller: xfree
    size_t due_count;
};

// A delivery that an operator wants made again.
struct redo {
    // In: one of the event; out: the one that waits now. webhook 0: this settled delivery; else: the
    // delivery of its event to that webhook, at the next free place if there is none yet. Out: its.
    uint64_t delivery;
    uint32_t webhook;
    bool was_waiting; // out: it had a pending row, which is due now
    enum err err;     // out: OK, ERR_NOT_FOUND, ERR_CONFLICT (claimed, or owed), ERR_FULL
};

struct journal {
    const char *name; // "sqlite"
    // Opens, creates or migrates. ERR_VERSION: made by a newer binary; ERR_BUSY: another engine has
    // it; ERR_DENIED, ERR_IO, ERR_CORRUPT. Also says where to begin.
    enum err (*open)(struct journal_conn **out, const struct store_config *config,
                     struct journal_start *start, struct errmsg *message);
    void (*close)(struct journal_conn **conn);
    // Appends and settlements together, one commit. On failure nothing of it was stored, except
    // ERR_INTERRUPTED: its fate is unknown (the caller stops the engine). ERR_NO_SPACE: appends are
    // refused below min_free_bytes, settlements keep the reserve.
    enum err (*commit)(struct journal_conn *conn, struct append *appends, size_t append_count,
                       const struct settlement *settlements, size_t settlement_count);
    // The oldest due rows of one webhook: marks them claimed, reads their events.
    enum err (*claim)(struct journal_conn *conn, struct claim *claim);
    // What is owed without a row after a crash, from the low-water mark on, in pieces: call until
    // *count is 0.
    enum err (*owed)(struct journal_conn *conn, size_t max, struct claimed *out, size_t *count);
    // Pending rows of one webhook become CANCELLED; how many. Claimed ones are their holder's.
    enum err (*cancel)(struct journal_conn *conn, uint32_t webhook, int64_t now_ms, size_t max,
                       size_t *cancelled);
    // Makes pending rows, due now; each of other deliveries than the rest. Those that cannot be made
    // say why in their `err`; on failure of the whole none was made.
    enum err (*retry)(struct journal_conn *conn, struct redo *list, size_t count, int64_t now_ms);
    // One slice of retention: deletes at most `max` events that were accepted before, and all their
    // deliveries are final and settled before. *count 0: nothing left to do.
    enum err (*prune)(struct journal_conn *conn, int64_t events_before_ms, int64_t dead_before_ms,
                      size_t max, size_t *count);
    // Called after each batch: checkpoint when the WAL is long; with `is_quiet` (a second without
    // work) also the low-water mark and expired keys. Cheap when there is nothing to do.
    enum err (*idle)(struct journal_conn *conn, bool is_quiet);
    struct journal_gauges {
        uint64_t wal_bytes, low_water_lag, pending_rows, file_bytes;
        uint64_t claimed_rows, runs, key_bytes; // key_bytes: memory of idempotency keys
        bool is_low;                            // fewer than min_free_bytes are free
    } (*gauges)(struct journal_conn *conn);
};
