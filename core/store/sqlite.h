// SPDX-License-Identifier: MIT
// What the parts of the SQLite backend share: the writing connection; store thread only.
#pragma once

#include "base/buf.h"
#include "base/map.h"
#include "store/backend.h"
#include "store/mark.h"
#include "store/row.h"
#include "store/seal.h"
#include "store/sqlite_db.h"
#include "store/sqlite_keys.h"
#include "store/sqlite_runs.h"
#include "store/sqlite_vault.h"

#define SQLITE_CHECKPOINT_PAGES 512 // 4 MiB of WAL

#define SQLITE_CONN_MAGIC       0x53514c43u
struct journal_conn {
    uint32_t magic;
    struct sqlite_db db;
    char *path;             // owned
    int lock_fd;            // of the lock file beside it; closed last
    int64_t window_ms;      // idempotency
    int64_t min_free_bytes; // below it appends are refused
    bool is_low;            // the file system is below it
    bool is_broken;         // not to be written to any more
    int64_t looked_mono_ms; // when free space and file were looked at last; 0: never
    uint64_t inode;         // of the file that was opened
    uint64_t file_bytes;    // as of the last look
    uint64_t wal_pages;     // as of the last commit
    struct mark mark;
    int64_t low_written;    // low-water mark in the file
    uint64_t floor;         // events below it were pruned or moved to the kept ones
    uint64_t kept_cursor;   // prune: next kept event to look at
    uint64_t pending_rows;  // in the file
    int64_t pending_change; // by the transaction under way
    struct map claimed;     // delivery id → this connection; rows that were handed out
    struct sqlite_runs runs;
    struct sqlite_vault vault;
    struct sqlite_keys keys;
    uint64_t owed_seq; // owed: where to go on
    uint32_t owed_index;
    struct buf record; // scratch
    struct buf tail;   // scratch
};

// ---- sqlite_schema.c ----
// Brings the schema up to date, or refuses. Makes the database's id key when there is none.
MUST_CHECK enum err sqlite_schema_migrate(struct sqlite_db *db, struct errmsg *message);

// ---- sqlite_txn.c ----
MUST_CHECK enum err sqlite_txn_begin(struct journal_conn *conn);
// Commits, or rolls back when `err` is not OK; what became of it.
MUST_CHECK enum err sqlite_txn_end(struct journal_conn *conn, enum err err);
// Looks at the file and its file system, at most once a second. ERR_INTERRUPTED: the file is gone.
MUST_CHECK enum err sqlite_txn_look(struct journal_conn *conn);
MUST_CHECK enum err sqlite_txn_idle(struct journal_conn *conn, bool is_quiet);
struct journal_gauges sqlite_txn_gauges(struct journal_conn *conn);

// ---- sqlite_settle.c: rows of deliveries, within a transaction ----
MUST_CHECK enum err sqlite_settle_one(struct journal_conn *conn, const struct settlement *s);
// After the commit: memory follows.
void sqlite_settle_apply(struct journal_conn *conn, const struct settlement *s);
MUST_CHECK enum err sqlite_settle_pending(struct journal_conn *conn, const struct settlement *s);
MUST_CHECK enum err sqlite_settle_event(struct journal_conn *conn, uint64_t seq,
                                        struct event **out);
// Settlements made here (cancel, damaged events): one transaction, applied.
MUST_CHECK enum err sqlite_settle_all(struct journal_conn *conn, const struct settlement *s,
                                      size_t count);

// ---- sqlite_journal.c, sqlite_claim.c, sqlite_prune.c, sqlite_catalogue.c, sqlite_query.c ----
MUST_CHECK enum err sqlite_journal_commit(struct journal_conn *conn, struct append *appends,
                                          size_t append_count, const struct settlement *settlements,
                                          size_t settlement_count);
MUST_CHECK enum err sqlite_claim_due(struct journal_conn *conn, struct claim *claim);
MUST_CHECK enum err sqlite_claim_owed(struct journal_conn *conn, size_t max, struct claimed *out,
                                      size_t *count);
MUST_CHECK enum err sqlite_claim_cancel(struct journal_conn *conn, uint32_t webhook, int64_t now_ms,
                                        size_t max, size_t *cancelled);
MUST_CHECK enum err sqlite_claim_retry(struct journal_conn *conn, struct redo *list, size_t count,
                                       int64_t now_ms);
MUST_CHECK enum err sqlite_prune_slice(struct journal_conn *conn, int64_t events_before_ms,
                                       int64_t dead_before_ms, size_t max, size_t *count);
// number, revision, at, is_deleted, key, action, by, body, key_id: borrowed from the statement, a body
// that is encrypted from the vault. ERR_CORRUPT, reset: it cannot be decrypted.
MUST_CHECK enum err sqlite_catalogue_read(struct sqlite_db *db, struct sqlite_vault *vault,
                                          enum sqlite_sql which, struct object *out);
extern const struct catalogue sqlite_catalogue;
extern const struct query sqlite_query;
