// SPDX-License-Identifier: MIT
// The SQLite backend: opens, locks and closes the file, and lists its functions; store thread.
//
// One connection writes and checkpoints, another only reads: two that do both meet a bug of SQLite
// before 3.51.3 that can damage the file.
#include "store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#define RECORD_MAX ((size_t)80 << 20) // above the largest event (max_event_bytes)
#define TAIL_MAX   ((size_t)64 << 20)

// An open file description's lock: it goes with the process, however that ends.
static enum err lock(struct journal_conn *conn, struct errmsg *message)
{
    struct buf path;
    char holder[32] = "";
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    enum err err = OK;

    buf_init(&path, 8192);
    (void)buf_append_format(&path, "%s.lock", conn->path);
    conn->lock_fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (conn->lock_fd < 0) {
        err = err_from_errno(errno);
        errmsg_set(message, "cannot open %s for writing: %s", buf_text(&path),
                   strerrordesc_np(errno));
    } else if (fcntl(conn->lock_fd, F_OFD_SETLK, &range) != 0) {
        err = ERR_BUSY;
        ssize_t len = pread(conn->lock_fd, holder, sizeof holder - 1, 0);
        holder[len > 0 ? len - 1 : 0] = '\0'; // without its line feed
        errmsg_set(message,
                   "another engine (process %s) has the database %s open: stop it first, or use "
                   "another data_dir",
                   holder[0] != '\0' ? holder : "unknown", conn->path);
    }
    buf_deinit(&path);
    if (err != OK)
        return err;
    int len = snprintf(holder, sizeof holder, "%ld\n", (long)getpid());
    if (ftruncate(conn->lock_fd, 0) != 0 || pwrite(conn->lock_fd, holder, (size_t)len, 0) < 0)
        log_line(LOG_WARN, LOG_STORE_AREA, "cannot write the lock file of %s", conn->path);
    return OK;
}

static int on_wal(void *context, sqlite3 *handle, const char *name, int pages)
{
    struct journal_conn *conn = NULL;
    (void)handle;
    (void)name;
    CAST(conn, context, SQLITE_CONN_MAGIC);
    conn->wal_pages = (uint64_t)pages;
    return SQLITE_OK;
}

static enum err load_id_key(struct journal_conn *conn, uint8_t out[32])
{
    struct sqlite_db *db = &conn->db;
    sqlite_db_bind_text(sqlite_db_use(db, SQL_META_GET), 1, SPAN("id_key"));
    enum err err = sqlite_db_row(db, SQL_META_GET);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    struct span key = sqlite_db_blob(db, SQL_META_GET, 0);
    if (key.len == 32)
        memcpy(out, key.at, 32);
    else
        err = ERR_CORRUPT;
    sqlite_db_reset(db, SQL_META_GET);
    return err;
}

static enum err load_due(struct journal_conn *conn, struct journal_start *start)
{
    struct sqlite_db *db = &conn->db;
    size_t capacity = 0;
    enum err err = OK;
    sqlite_db_use(db, SQL_PENDING_FIRST_DUE);
    while ((err = sqlite_db_next(db, SQL_PENDING_FIRST_DUE)) == OK) {
        if (start->due_count == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 64;
            start->due = xrealloc(start->due, capacity * sizeof *start->due);
        }
        struct webhook_due *due = &start->due[start->due_count++];
        due->webhook = (uint32_t)sqlite_db_int(db, SQL_PENDING_FIRST_DUE, 0);
        due->due_ms = sqlite_db_int(db, SQL_PENDING_FIRST_DUE, 1);
        due->rows = (uint64_t)sqlite_db_int(db, SQL_PENDING_FIRST_DUE, 2);
        conn->pending_rows += due->rows;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

// Takes what has a row out of the mark: an ordered scan of one table.
static enum err load_disposed(struct journal_conn *conn, enum sqlite_sql which, uint64_t low)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite_db_bind(sqlite_db_use(db, which), 1, (int64_t)delivery_id(low, 0));
    while ((err = sqlite_db_next(db, which)) == OK) {
        uint64_t id = (uint64_t)sqlite_db_int(db, which, 0);
        mark_dispose(&conn->mark, delivery_seq(id), delivery_index(id));
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

// From the low-water mark on, whatever has neither row is owed. An event that cannot be read owes
// nothing that could be sent; it is logged and stays in the file.
static enum err load_mark(struct journal_conn *conn)
{
    struct sqlite_db *db = &conn->db;
    int64_t low = 1;
    int64_t floor = 1;
    enum err err = sqlite_db_meta(db, "low_water", 1, &low);
    if (err == OK)
        err = sqlite_db_meta(db, "prune_floor", 1, &floor);
    if (err != OK)
        return err;
    conn->floor = (uint64_t)floor;
    conn->low_written = low;
    mark_init(&conn->mark, (uint64_t)low);
    sqlite_db_bind(sqlite_db_use(db, SQL_EVENTS_FROM), 1, low);
    while ((err = sqlite_db_next(db, SQL_EVENTS_FROM)) == OK) {
        struct event *event = NULL;
        uint64_t seq = (uint64_t)sqlite_db_int(db, SQL_EVENTS_FROM, 0);
        if (seal_open_event(seq, sqlite_db_blob(db, SQL_EVENTS_FROM, 1), &event) == OK)
            mark_append(&conn->mark, seq, event->webhook_count);
        else
            log_line(LOG_ERROR, LOG_STORE_AREA, "event %llu is damaged, it cannot be delivered",
                     (unsigned long long)seq);
        event_unref(event);
    }
    if (err != ERR_NOT_FOUND)
        return err;
    err = load_disposed(conn, SQL_OWED_FINAL, (uint64_t)low);
    return err == OK ? load_disposed(conn, SQL_OWED_PENDING, (uint64_t)low) : err;
}

static enum err load_next(struct journal_conn *conn, uint64_t *next_seq)
{
    struct sqlite_db *db = &conn->db;
    sqlite_db_use(db, SQL_EVENT_LAST);
    enum err err = sqlite_db_row(db, SQL_EVENT_LAST);
    if (err != OK)
        return err;
    uint64_t next = (uint64_t)sqlite_db_int(db, SQL_EVENT_LAST, 0) + 1;
    sqlite_db_reset(db, SQL_EVENT_LAST);
    next = next > conn->mark.next ? next : conn->mark.next;
    next = next > conn->floor ? next : conn->floor;
    conn->mark.next = next;
    *next_seq = next;
    return OK;
}

static enum err load(struct journal_conn *conn, struct journal_start *start)
{
    enum err err = load_id_key(conn, start->id_key);
    if (err == OK)
        err = load_mark(conn);
    if (err == OK)
        err = load_next(conn, &start->next_seq);
    if (err == OK)
        err = load_due(conn, start);
    if (err == OK)
        err = sqlite_runs_load(&conn->runs, &conn->db);
    if (err == OK)
        err = sqlite_keys_load(&conn->keys, &conn->db);
    start->low_water = mark_low(&conn->mark);
    return err;
}

static void close_conn(struct journal_conn **conn_at)
{
    struct journal_conn *conn = *conn_at;
    *conn_at = NULL;
    if (conn == NULL)
        return;
    CHECK(conn->magic == SQLITE_CONN_MAGIC);
    if (conn->db.handle != NULL && conn->low_written != 0 && !conn->is_broken &&
        conn->low_written != (int64_t)mark_low(&conn->mark))
        (void)!sqlite_txn_idle(conn, true);
    sqlite_db_close(&conn->db);
    if (conn->lock_fd >= 0)
        close(conn->lock_fd);
    mark_deinit(&conn->mark);
    map_deinit(&conn->claimed);
    sqlite_runs_deinit(&conn->runs);
    sqlite_keys_deinit(&conn->keys);
    sqlite_vault_deinit(&conn->vault);
    buf_deinit(&conn->record);
    buf_deinit(&conn->tail);
    xfree(conn->path);
    conn->magic = 0;
    xfree(conn);
}

static enum err open_file(struct journal_conn *conn, struct errmsg *message)
{
    struct stat file;
    // Before SQLite starts: memory statistics cost a lock per allocation.
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    enum err err = lock(conn, message);
    if (err == OK)
        err = sqlite_db_open(&conn->db, conn->path, SQLITE_DB_WRITER, message);
    if (err != OK)
        return err;
    sqlite3_wal_hook(conn->db.handle, on_wal, conn);
    err = sqlite_schema_migrate(&conn->db, message);
    if (err == OK)
        err = sqlite_db_prepare(&conn->db, SQLITE_DB_WRITER, message);
    if (err == OK)
        err = sqlite_vault_start(&conn->vault, &conn->db, message);
    if (err == OK && stat(conn->path, &file) == 0)
        conn->inode = file.st_ino;
    return err;
}

static enum err open_conn(struct journal_conn **out, const struct store_config *config,
                          struct journal_start *start, struct errmsg *message)
{
    struct journal_conn *conn = xcalloc(1, sizeof *conn);
    struct journal_start found = {0};

    conn->magic = SQLITE_CONN_MAGIC;
    conn->path = xstrdup(config->location);
    conn->lock_fd = -1;
    conn->window_ms = config->idempotency_window_ms;
    conn->min_free_bytes = config->min_free_bytes;
    map_init(&conn->claimed);
    sqlite_vault_init(&conn->vault, config->vault);
    buf_init(&conn->record, RECORD_MAX);
    buf_init(&conn->tail, TAIL_MAX);
    errmsg_set(message, "%s", "");
    enum err err = open_file(conn, message);
    if (err == OK)
        err = load(conn, &found);
    if (err == OK)
        err = sqlite_txn_look(conn);
    if (err != OK) {
        if (message->text[0] == '\0')
            errmsg_set(message, "cannot read the database %s: %s", conn->path, err_text(err));
        conn->is_broken = true;
        close_conn(&conn);
        xfree(found.due);
        return err == ERR_INTERRUPTED ? ERR_IO : err;
    }
    *out = conn;
    *start = found;
    return OK;
}

static const struct journal journal = {
    .name = "sqlite",
    .open = open_conn,
    .close = close_conn,
    .commit = sqlite_journal_commit,
    .claim = sqlite_claim_due,
    .owed = sqlite_claim_owed,
    .cancel = sqlite_claim_cancel,
    .retry = sqlite_claim_retry,
    .prune = sqlite_prune_slice,
    .idle = sqlite_txn_idle,
    .gauges = sqlite_txn_gauges,
};

const struct backend sqlite_backend = {
    .journal = &journal,
    .catalogue = &sqlite_catalogue,
    .query = &sqlite_query,
};
