// SPDX-License-Identifier: MIT
// THE interface of a database: three small tables of blocking, batch-shaped functions.
//
// journal and catalogue: called on the store thread only. query: on the reader thread only, with a
// connection of its own. Every call is one transaction. The algorithm (insert late, low-water mark)
// is in core/README.md and the same for each backend; tests/store/contract.c holds each to it.
#pragma once

#include "base/arena.h"
#include "model/attempt.h"
#include "model/delivery.h"
#include "store/query.h"

struct store_config {
    const char *location; // path or URL
    int64_t idempotency_window_ms;
    int64_t min_free_bytes; // of the file system that holds it
};

// ---- journal -------------------------------------------------------------------------------
struct journal_conn; // a backend's own

enum append_verdict { APPEND_STORED, APPEND_DUPLICATE, APPEND_ID_REUSED };

// Due time that means "stays in memory, no row".
#define APPEND_IN_MEMORY INT64_MIN

// One event to write, with what it owes.
struct append {
    struct event *event;         // borrowed; seq, id, accepted_ms and webhooks are set
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
    bool is_unclaim;      // PENDING: gives back a claim; the rest of the row stays
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
    // The oldest due rows of one webhook, at most `max`, marks them claimed, reads their events.
    // `next_due_ms`: of the first row that was left, INT64_MAX: none.
    enum err (*claim)(struct journal_conn *conn, uint32_t webhook, int64_t now_ms, size_t max,
                      struct claimed *out, size_t *count, int64_t *next_due_ms);
    // What is owed without a row after a crash, from the low-water mark on, in pieces: call until
    // *count is 0.
    enum err (*owed)(struct journal_conn *conn, size_t max, struct claimed *out, size_t *count);
    // Every pending row of one webhook becomes CANCELLED; how many.
    enum err (*cancel)(struct journal_conn *conn, uint32_t webhook, int64_t now_ms, size_t max,
                       size_t *cancelled);
    // Makes a pending row for any delivery that is settled, or a new one at the next free index for
    // a webhook that was not in the event's list. ERR_NOT_FOUND, ERR_CONFLICT (pending already).
    enum err (*retry)(struct journal_conn *conn, uint64_t delivery, int64_t now_ms,
                      uint32_t *webhook);
    // One slice of retention: deletes at most `max` events that were accepted before, and all their
    // deliveries are final and settled before. *count 0: nothing left to do.
    enum err (*prune)(struct journal_conn *conn, int64_t events_before_ms, int64_t dead_before_ms,
                      size_t max, size_t *count);
    // Work for idle moments: checkpoint, flush of runs. Cheap when there is nothing to do.
    enum err (*idle)(struct journal_conn *conn);
    struct journal_gauges {
        uint64_t wal_bytes, low_water_lag, pending_rows, file_bytes;
    } (*gauges)(struct journal_conn *conn);
};

// ---- catalogue -----------------------------------------------------------------------------
// Versioned objects: every put makes a new immutable revision. Keys are unique per kind.
enum object_kind { OBJECT_WEBHOOK = 1, OBJECT_SCRIPT, OBJECT_TOKEN, OBJECT_TENANT, OBJECT_SETTING };

struct object {
    enum object_kind kind;
    uint32_t number;    // small and unique per kind, never used again; 0 in put: a new object
    uint32_t revision;  // put: the one that is replaced (0: none), out: the new one
    struct span key;    // uuid or name
    struct span body;   // JSON
    struct span by;     // who did it, for the audit: "uid:0", "token:deploy"
    struct span action; // "create", "update", "disable" …; for the audit
    int64_t at_ms;
    bool is_deleted;
};

struct catalogue {
    // ERR_EXISTS: the key is taken; ERR_CONFLICT: revision is not the current one; ERR_NOT_FOUND.
    // Writes the object, its revision and the audit row in one transaction. Sets number, revision.
    enum err (*put)(struct journal_conn *conn, struct object *object);
    // Marks as deleted (a revision like any other); the key is free again.
    enum err (*remove)(struct journal_conn *conn, struct object *object);
    // All current objects of a kind by number. `on_object` borrows the spans until it returns.
    enum err (*list)(struct journal_conn *conn, enum object_kind kind,
                     void (*on_object)(void *context, const struct object *object), void *context);
};

// ---- query: store/query.h has the rows ---------------------------------------------------------
struct query_conn;
struct query {
    enum err (*open)(struct query_conn **out, const struct store_config *config,
                     struct errmsg *message);
    void (*close)(struct query_conn **conn);
    // All stop with ERR_TIMEOUT after `budget_ms`. Results lie in the caller's arena.
    enum err (*event)(struct query_conn *conn, uint64_t seq, struct event **out);
    enum err (*events)(struct query_conn *conn, const struct query_filter *filter,
                       struct query_events *out);
    enum err (*deliveries)(struct query_conn *conn, const struct query_filter *filter,
                           struct query_deliveries *out);
    // With all attempts; also for one that is owed and has no row (state PENDING).
    enum err (*delivery)(struct query_conn *conn, uint64_t id, struct arena *arena,
                         struct query_delivery *out);
    // A webhook's revisions, newest first: "why did it not match then?"
    enum err (*revisions)(struct query_conn *conn, enum object_kind kind, uint32_t number,
                          void (*on_object)(void *context, const struct object *object),
                          void *context);
    // Numbers of all webhooks of a tenant, deleted ones too, with the revision valid at a time.
    enum err (*webhooks_at)(struct query_conn *conn, int64_t at_ms,
                            void (*on_object)(void *context, const struct object *object),
                            void *context);
};

struct backend {
    const struct journal *journal;
    const struct catalogue *catalogue;
    const struct query *query;
};

extern const struct backend sqlite_backend; // store/sqlite.c
