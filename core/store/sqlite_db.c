// SPDX-License-Identifier: MIT
// One SQLite connection: pragmas, prepared statements, what its errors mean; its owner's thread.
#include "store/sqlite_db.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

#define BUSY_TIMEOUT_MS 2000 // another program may look into the file
#define LOG_AGAIN_MS    1000

enum { READER = SQLITE_DB_READER, WRITER = SQLITE_DB_WRITER, BOTH = READER | WRITER };

static const struct {
    const char *text;
    int who;
} table[] = {
#define X(name, who, text) {text, who},
#include "store/sqlite_sql.def"
#undef X
};

// SQLite makes its journals with the mode of the file, so the file is made first.
static enum err make_file(const char *path, struct errmsg *message)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        enum err err = err_from_errno(errno);
        errmsg_set(message, "cannot open %s for writing: %s", path, strerrordesc_np(errno));
        return err;
    }
    close(fd);
    return OK;
}

static enum err set_pragmas(struct sqlite_db *db, enum sqlite_who who)
{
    // page_size holds for a new file only. Checkpoints are made by sqlite.c, between batches.
    if (who == SQLITE_DB_WRITER)
        return sqlite_db_exec(db, "PRAGMA page_size = 8192;"
                                  "PRAGMA journal_mode = WAL;"
                                  "PRAGMA synchronous = FULL;"
                                  "PRAGMA wal_autocheckpoint = 0;"
                                  "PRAGMA journal_size_limit = 16777216;"
                                  "PRAGMA secure_delete = OFF;"
                                  "PRAGMA cache_size = -8192;"
                                  "PRAGMA mmap_size = 0;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA cell_size_check = ON;");
    return sqlite_db_exec(db, "PRAGMA query_only = ON;"
                              "PRAGMA cache_size = -4096;"
                              "PRAGMA mmap_size = 0;"
                              "PRAGMA temp_store = MEMORY;"
                              "PRAGMA trusted_schema = OFF;");
}

enum err sqlite_db_open(struct sqlite_db *db, const char *path, enum sqlite_who who,
                        struct errmsg *message)
{
    *db = (struct sqlite_db){0};
    if (who == SQLITE_DB_WRITER) {
        enum err err = make_file(path, message);
        if (err != OK)
            return err;
    }
    int flags = who == SQLITE_DB_WRITER ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
    int rc = sqlite3_open_v2(path, &db->handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                             NULL);
    enum err err = sqlite_db_err(db, rc);
    if (err == OK) {
        sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
        // Only the writer copies the WAL back: two connections that do meet a bug of SQLite 3.40.
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, who == SQLITE_DB_READER,
                          NULL);
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        err = set_pragmas(db, who);
    }
    if (err != OK) {
        errmsg_set(message, "cannot open the database %s: %s", path, sqlite3_errmsg(db->handle));
        sqlite_db_close(db);
    }
    return err;
}

enum err sqlite_db_prepare(struct sqlite_db *db, enum sqlite_who who, struct errmsg *message)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        if (!(table[i].who & (int)who))
            continue;
        int rc = sqlite3_prepare_v3(db->handle, table[i].text, -1, SQLITE_PREPARE_PERSISTENT,
                                    &db->statements[i], NULL);
        if (rc == SQLITE_OK)
            continue;
        errmsg_set(message, "the database does not fit this program: %s (in: %s)",
                   sqlite3_errmsg(db->handle), table[i].text);
        enum err err = sqlite_db_err(db, rc);
        return err == ERR_INTERRUPTED ? ERR_CORRUPT : err;
    }
    return OK;
}

void sqlite_db_close(struct sqlite_db *db)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close_v2(db->handle);
    *db = (struct sqlite_db){0};
}

sqlite3_stmt *sqlite_db_use(struct sqlite_db *db, enum sqlite_sql which)
{
    CHECK(db->statements[which] != NULL);
    sqlite3_reset(db->statements[which]);
    return db->statements[which];
}

void sqlite_db_reset(struct sqlite_db *db, enum sqlite_sql which)
{
    sqlite3_reset(db->statements[which]);
}

enum err sqlite_db_next(struct sqlite_db *db, enum sqlite_sql which)
{
    int rc = sqlite3_step(db->statements[which]);
    if (rc == SQLITE_ROW)
        return OK;
    enum err err = rc == SQLITE_DONE ? ERR_NOT_FOUND : sqlite_db_err(db, rc);
    sqlite3_reset(db->statements[which]);
    return err;
}

enum err sqlite_db_row(struct sqlite_db *db, enum sqlite_sql which)
{
    return sqlite_db_next(db, which);
}

enum err sqlite_db_run(struct sqlite_db *db, enum sqlite_sql which)
{
    int rc = sqlite3_step(db->statements[which]);
    enum err err = sqlite_db_err(db, rc);
    sqlite3_reset(db->statements[which]);
    return err;
}

enum err sqlite_db_exec(struct sqlite_db *db, const char *sql)
{
    return sqlite_db_err(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

static enum err meaning(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return OK;
    case SQLITE_CONSTRAINT: return ERR_EXISTS;
    case SQLITE_INTERRUPT: return ERR_TIMEOUT;
    case SQLITE_FULL: return ERR_NO_SPACE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN: return ERR_DENIED;
    case SQLITE_TOOBIG: return ERR_RANGE;
    default: return ERR_INTERRUPTED;
    }
}

enum err sqlite_db_err(struct sqlite_db *db, int rc)
{
    enum err err = meaning(rc);
    CHECK((rc & 0xff) != SQLITE_NOMEM && (rc & 0xff) != SQLITE_MISUSE);
    if (err == OK || err == ERR_EXISTS || err == ERR_TIMEOUT)
        return err;
    // A full disk fails each commit: once a second is enough.
    int64_t now = clock_mono_ms();
    if (rc == db->logged_rc && now - db->logged_mono_ms < LOG_AGAIN_MS)
        return err;
    db->logged_rc = rc;
    db->logged_mono_ms = now;
    struct log_record r;
    log_begin(&r, LOG_ERROR, LOG_STORE_AREA, "the database reports an error");
    log_str(&r, "error", db->handle != NULL ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc));
    log_int(&r, "code", rc);
    log_int(&r, "errno", db->handle != NULL ? sqlite3_system_errno(db->handle) : 0);
    log_end(&r);
    return err;
}

int64_t sqlite_db_int(struct sqlite_db *db, enum sqlite_sql which, int column)
{
    return sqlite3_column_int64(db->statements[which], column);
}

struct span sqlite_db_blob(struct sqlite_db *db, enum sqlite_sql which, int column)
{
    const void *bytes = sqlite3_column_blob(db->statements[which], column);
    return span_make(bytes, (size_t)sqlite3_column_bytes(db->statements[which], column));
}

void sqlite_db_bind(sqlite3_stmt *statement, int at, int64_t number)
{
    CHECK(sqlite3_bind_int64(statement, at, number) == SQLITE_OK);
}

void sqlite_db_bind_blob(sqlite3_stmt *statement, int at, struct span bytes)
{
    // A null pointer would be NULL, not an empty blob.
    CHECK(sqlite3_bind_blob64(statement, at, bytes.at != NULL ? bytes.at : "", bytes.len,
                              SQLITE_STATIC) == SQLITE_OK);
}

void sqlite_db_bind_text(sqlite3_stmt *statement, int at, struct span text)
{
    CHECK(sqlite3_bind_text64(statement, at, text.at != NULL ? text.at : "", text.len,
                              SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK);
}

enum err sqlite_db_meta(struct sqlite_db *db, const char *key, int64_t fallback, int64_t *out)
{
    sqlite_db_bind_text(sqlite_db_use(db, SQL_META_GET), 1, span_of(key));
    enum err err = sqlite_db_row(db, SQL_META_GET);
    if (err == ERR_NOT_FOUND) {
        *out = fallback;
        return OK;
    }
    if (err == OK) {
        *out = sqlite_db_int(db, SQL_META_GET, 0);
        sqlite_db_reset(db, SQL_META_GET);
    }
    return err;
}

enum err sqlite_db_set_meta(struct sqlite_db *db, const char *key, int64_t number)
{
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_META_SET);
    sqlite_db_bind_text(statement, 1, span_of(key));
    sqlite_db_bind(statement, 2, number);
    return sqlite_db_run(db, SQL_META_SET);
}
