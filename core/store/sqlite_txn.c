// SPDX-License-Identifier: MIT
// Transactions of the writing connection, its checkpoints, and the look at its disk; store thread.
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "store/sqlite.h"

#define LOOK_MS 1000

enum err sqlite_txn_begin(struct journal_conn *conn)
{
    conn->pending_change = 0;
    sqlite_db_use(&conn->db, SQL_BEGIN);
    return sqlite_db_run(&conn->db, SQL_BEGIN);
}

enum err sqlite_txn_end(struct journal_conn *conn, enum err err)
{
    struct sqlite_db *db = &conn->db;
    if (err == OK) {
        sqlite_db_use(db, SQL_COMMIT);
        err = sqlite_db_run(db, SQL_COMMIT);
    }
    if (err == OK) {
        conn->pending_rows = (uint64_t)((int64_t)conn->pending_rows + conn->pending_change);
        return OK;
    }
    // SQLite has rolled back by itself after some failures.
    if (!sqlite3_get_autocommit(db->handle)) {
        sqlite_db_use(db, SQL_ROLLBACK);
        enum err rolled_back = sqlite_db_run(db, SQL_ROLLBACK);
        if (rolled_back != OK && !sqlite3_get_autocommit(db->handle))
            return ERR_INTERRUPTED;
    }
    return err;
}

enum err sqlite_txn_look(struct journal_conn *conn)
{
    struct stat file;
    struct statvfs system;
    int64_t now = clock_mono_ms();

    if (conn->looked_mono_ms != 0 && now - conn->looked_mono_ms < LOOK_MS)
        return OK;
    conn->looked_mono_ms = now;
    if (stat(conn->path, &file) != 0 || file.st_ino != conn->inode) {
        log_line(LOG_ERROR, LOG_STORE_AREA,
                 "the database file %s was removed or replaced while it was open", conn->path);
        return ERR_INTERRUPTED;
    }
    conn->file_bytes = (uint64_t)file.st_size;
    if (statvfs(conn->path, &system) != 0)
        return OK;
    bool was_low = conn->is_low;
    uint64_t free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    conn->is_low = free_bytes < (uint64_t)conn->min_free_bytes;
    if (conn->is_low != was_low)
        log_line(conn->is_low ? LOG_ERROR : LOG_INFO, LOG_STORE_AREA,
                 "%llu bytes are free beside %s: new events are %s (min_free_bytes is %lld)",
                 (unsigned long long)free_bytes, conn->path,
                 conn->is_low ? "refused" : "accepted again", (long long)conn->min_free_bytes);
    return OK;
}

static enum err flush(struct journal_conn *conn, bool runs, bool keys)
{
    enum err err = sqlite_txn_begin(conn);
    if (err != OK)
        return err;
    int64_t low = (int64_t)mark_low(&conn->mark);
    err = sqlite_db_set_meta(&conn->db, "low_water", low);
    if (err == OK && runs)
        err = sqlite_runs_flush(&conn->runs, &conn->db);
    if (err == OK && keys)
        err = sqlite_keys_flush(&conn->keys, &conn->db, clock_wall_ms(), conn->window_ms);
    err = sqlite_txn_end(conn, err);
    if (err == OK)
        conn->low_written = low;
    if (err == OK && runs)
        sqlite_runs_flushed(&conn->runs);
    if (keys)
        sqlite_keys_flushed(&conn->keys, err == OK);
    return err;
}

static enum err checkpoint(struct journal_conn *conn)
{
    int pages = 0;
    int copied = 0;
    if (failpoint_hit(FAILPOINT_STORE_CHECKPOINT))
        return ERR_IO;
    int rc = sqlite3_wal_checkpoint_v2(conn->db.handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
                                       &copied);
    // A reader that holds an old snapshot stops it half way: the next one goes on.
    if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
        return OK;
    if (rc == SQLITE_OK && pages == copied)
        conn->wal_pages = 0;
    return sqlite_db_err(&conn->db, rc);
}

enum err sqlite_txn_idle(struct journal_conn *conn, bool is_quiet)
{
    enum err err = sqlite_txn_look(conn);
    if (err != OK)
        return err;
    bool runs = conn->runs.count >= SQLITE_RUNS_ENTRIES;
    bool keys = (is_quiet || conn->keys.count >= SQLITE_KEYS_ENTRIES) &&
                sqlite_keys_is_due(&conn->keys, clock_wall_ms(), conn->window_ms);
    bool low = is_quiet && conn->low_written != (int64_t)mark_low(&conn->mark);
    if (runs || keys || low)
        err = flush(conn, runs, keys);
    if (err == OK && conn->wal_pages >= SQLITE_CHECKPOINT_PAGES)
        err = checkpoint(conn);
    return err;
}

struct journal_gauges sqlite_txn_gauges(struct journal_conn *conn)
{
    return (struct journal_gauges){
        .wal_bytes = conn->wal_pages * SQLITE_DB_PAGE_BYTES,
        .low_water_lag = conn->mark.next - mark_low(&conn->mark),
        .pending_rows = conn->pending_rows,
        .file_bytes = conn->file_bytes,
        .claimed_rows = conn->claimed.count,
        .runs = conn->runs.runs,
        .key_bytes = sqlite_keys_bytes(&conn->keys),
        .is_low = conn->is_low,
    };
}
