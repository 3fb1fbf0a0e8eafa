// SPDX-License-Identifier: MIT
// The schema's versions: embedded files 0001.sql, 0002.sql …, one transaction each; at start.
#include "base/buf.h"
#include "base/clock.h"
#include "base/embed.h"
#include "base/failpoint.h"
#include "base/rand.h"
#include "store/sqlite.h"

#define APPLICATION_ID 0x67726e70 // "grnp", in the file's header
#define ID_KEY_LEN     32

static enum err pragma(struct sqlite_db *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    return sqlite_db_err(db, rc);
}

// A file of somebody else's must not get our tables.
static enum err check_owner(struct sqlite_db *db, int64_t version, struct errmsg *message)
{
    int64_t application = 0;
    int64_t tables = 0;
    enum err err = pragma(db, "PRAGMA application_id", &application);
    if (err == OK)
        err = pragma(db, "SELECT count(*) FROM sqlite_schema", &tables);
    if (err != OK)
        return err;
    if (application == APPLICATION_ID || (version == 0 && application == 0 && tables == 0))
        return OK;
    errmsg_set(message, "the file is an SQLite database of another program: choose another path");
    return ERR_DENIED;
}

static enum err make_id_key(struct sqlite_db *db)
{
    sqlite3_stmt *statement = NULL;
    uint8_t key[ID_KEY_LEN];
    rand_bytes(key, sizeof key);
    int rc = sqlite3_prepare_v2(db->handle,
                                "INSERT INTO meta(k, v) VALUES('id_key', ?1), ('created_ms', ?2)",
                                -1, &statement, NULL);
    if (rc == SQLITE_OK) {
        sqlite_db_bind_blob(statement, 1, span_make(key, sizeof key));
        sqlite_db_bind(statement, 2, clock_wall_ms());
        rc = sqlite3_step(statement);
    }
    sqlite3_finalize(statement);
    return sqlite_db_err(db, rc);
}

static enum err apply(struct sqlite_db *db, const struct embedded_file *file, int64_t version)
{
    struct buf set;
    enum err err = sqlite_db_exec(db, "BEGIN IMMEDIATE");
    if (err != OK)
        return err;
    err = sqlite_db_exec(db, file->text);
    if (err == OK && version == 1)
        err = make_id_key(db);
    if (err == OK) {
        buf_init(&set, 128);
        (void)buf_append_format(&set, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                                APPLICATION_ID, (int)version);
        err = sqlite_db_exec(db, buf_text(&set));
        buf_deinit(&set);
    }
    if (err == OK && failpoint_hit(FAILPOINT_STORE_MIGRATE))
        err = ERR_IO;
    if (err == OK)
        return sqlite_db_exec(db, "COMMIT");
    (void)!sqlite_db_exec(db, "ROLLBACK");
    return err;
}

enum err sqlite_schema_migrate(struct sqlite_db *db, struct errmsg *message)
{
    int64_t version = 0;
    enum err err = pragma(db, "PRAGMA user_version", &version);
    if (err == OK)
        err = check_owner(db, version, message);
    if (err != OK)
        return err;
    if (version > (int64_t)embedded_schema_count) {
        errmsg_set(message,
                   "the database has schema version %d, this program knows %zu: it was written by "
                   "a newer grapnel; install that one, or restore a backup",
                   (int)version, embedded_schema_count);
        return ERR_VERSION;
    }
    for (size_t i = (size_t)version; i < embedded_schema_count; i++) {
        err = apply(db, &embedded_schema[i], (int64_t)i + 1);
        if (err != OK) {
            errmsg_set(message, "cannot bring the schema to version %zu: %s", i + 1,
                       sqlite3_errmsg(db->handle));
            return err;
        }
    }
    return OK;
}
