// SPDX-License-Identifier: MIT
// Versioned objects with their revisions and the audit; store thread.
#include "store/sqlite.h"
#include "store/sqlite_scripts.h"

// What is there now; ERR_NOT_FOUND when it never was or is deleted.
static enum err check_current(struct sqlite_db *db, const struct object *object)
{
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_OBJECT_GET);
    sqlite_db_bind(statement, 1, object->kind);
    sqlite_db_bind(statement, 2, object->number);
    enum err err = sqlite_db_row(db, SQL_OBJECT_GET);
    if (err != OK)
        return err;
    if (sqlite_db_int(db, SQL_OBJECT_GET, 2) != 0)
        err = ERR_NOT_FOUND;
    else if (sqlite_db_int(db, SQL_OBJECT_GET, 0) != object->revision)
        err = ERR_CONFLICT;
    sqlite_db_reset(db, SQL_OBJECT_GET);
    return err;
}

static enum err check_key(struct sqlite_db *db, const struct object *object)
{
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_OBJECT_BY_KEY);
    sqlite_db_bind(statement, 1, object->kind);
    sqlite_db_bind_text(statement, 2, object->key);
    enum err err = sqlite_db_row(db, SQL_OBJECT_BY_KEY);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    err = sqlite_db_int(db, SQL_OBJECT_BY_KEY, 0) == object->number ? OK : ERR_EXISTS;
    sqlite_db_reset(db, SQL_OBJECT_BY_KEY);
    return err;
}

// Numbers are never used again: deleted objects keep their row.
static enum err next_number(struct sqlite_db *db, struct object *object)
{
    sqlite_db_bind(sqlite_db_use(db, SQL_OBJECT_LAST), 1, object->kind);
    enum err err = sqlite_db_row(db, SQL_OBJECT_LAST);
    if (err != OK)
        return err;
    int64_t last = sqlite_db_int(db, SQL_OBJECT_LAST, 0);
    sqlite_db_reset(db, SQL_OBJECT_LAST);
    if (last >= UINT32_MAX)
        return ERR_FULL;
    object->number = (uint32_t)last + 1;
    return OK;
}

static enum err write_object(struct sqlite_db *db, const struct object *object)
{
    sqlite3_stmt *s = sqlite_db_use(db, SQL_OBJECT_PUT);
    sqlite_db_bind(s, 1, object->kind);
    sqlite_db_bind(s, 2, object->number);
    sqlite_db_bind(s, 3, object->revision);
    sqlite_db_bind_text(s, 4, object->key);
    sqlite_db_bind(s, 5, object->is_deleted);
    return sqlite_db_run(db, SQL_OBJECT_PUT);
}

static enum err write_revision(struct journal_conn *conn, const struct object *object)
{
    struct sqlite_db *db = &conn->db;
    int64_t key_id = 0;
    struct span body = sqlite_vault_seal(&conn->vault, object, &key_id);
    sqlite3_stmt *s = sqlite_db_use(db, SQL_REVISION_INSERT);
    sqlite_db_bind(s, 1, object->kind);
    sqlite_db_bind(s, 2, object->number);
    sqlite_db_bind(s, 3, object->revision);
    sqlite_db_bind(s, 4, object->at_ms);
    sqlite_db_bind(s, 5, object->is_deleted);
    sqlite_db_bind_text(s, 6, object->key);
    sqlite_db_bind_text(s, 7, object->action);
    sqlite_db_bind_text(s, 8, object->by);
    sqlite_db_bind_blob(s, 9, body);
    sqlite_db_bind(s, 10, key_id);
    return sqlite_db_run(db, SQL_REVISION_INSERT);
}

static enum err write_audit(struct sqlite_db *db, const struct object *object)
{
    sqlite3_stmt *s = sqlite_db_use(db, SQL_AUDIT_INSERT);
    sqlite_db_bind(s, 1, object->at_ms);
    sqlite_db_bind_text(s, 2, object->by);
    sqlite_db_bind_text(s, 3, object->action);
    sqlite_db_bind(s, 4, object->kind);
    sqlite_db_bind(s, 5, object->number);
    sqlite_db_bind(s, 6, object->revision);
    sqlite_db_bind_text(s, 7, object->key);
    return sqlite_db_run(db, SQL_AUDIT_INSERT);
}

static enum err write_all(struct journal_conn *conn, struct object *object)
{
    struct sqlite_db *db = &conn->db;
    enum err err = object->number == 0 ? OK : check_current(db, object);
    if (err == OK && !object->is_deleted)
        err = check_key(db, object);
    if (err == OK && object->number == 0)
        err = next_number(db, object);
    object->revision++;
    if (err == OK)
        err = write_object(db, object);
    if (err == OK)
        err = write_revision(conn, object);
    return err == OK ? write_audit(db, object) : err;
}

static enum err save(struct journal_conn *conn, struct object *object, bool is_deleted)
{
    struct object fresh = *object;
    fresh.is_deleted = is_deleted;
    if (fresh.number == 0 && (is_deleted || fresh.revision != 0))
        return ERR_NOT_FOUND;
    enum err err = sqlite_txn_begin(conn);
    if (err == OK)
        err = sqlite_txn_end(conn, write_all(conn, &fresh));
    if (err == OK)
        *object = fresh;
    return err;
}

static enum err put(struct journal_conn *conn, struct object *object)
{
    return save(conn, object, false);
}

static enum err remove_object(struct journal_conn *conn, struct object *object)
{
    return save(conn, object, true);
}

static enum err note(struct journal_conn *conn, const struct object *object)
{
    enum err err = sqlite_txn_begin(conn);
    return err == OK ? sqlite_txn_end(conn, write_audit(&conn->db, object)) : err;
}

enum err sqlite_catalogue_read(struct sqlite_db *db, struct sqlite_vault *vault,
                               enum sqlite_sql which, struct object *out)
{
    out->number = (uint32_t)sqlite_db_int(db, which, 0);
    out->revision = (uint32_t)sqlite_db_int(db, which, 1);
    out->at_ms = sqlite_db_int(db, which, 2);
    out->is_deleted = sqlite_db_int(db, which, 3) != 0;
    out->key = sqlite_db_blob(db, which, 4);
    out->action = sqlite_db_blob(db, which, 5);
    out->by = sqlite_db_blob(db, which, 6);
    out->body = sqlite_db_blob(db, which, 7);
    enum err err = sqlite_vault_open(vault, out, sqlite_db_int(db, which, 8));
    if (err != OK)
        sqlite_db_reset(db, which);
    return err;
}

static enum err list(struct journal_conn *conn, enum object_kind kind,
                     void (*on_object)(void *context, const struct object *object), void *context)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite_db_bind(sqlite_db_use(db, SQL_OBJECT_LIST), 1, kind);
    while ((err = sqlite_db_next(db, SQL_OBJECT_LIST)) == OK) {
        struct object object = {.kind = kind};
        err = sqlite_catalogue_read(db, &conn->vault, SQL_OBJECT_LIST, &object);
        if (err != OK)
            break;
        on_object(context, &object);
    }
    sqlite_vault_wipe(&conn->vault);
    return err == ERR_NOT_FOUND ? OK : err;
}

const struct catalogue sqlite_catalogue = {
    .put = put,
    .remove = remove_object,
    .note = note,
    .list = list,
    .change_scripts = sqlite_scripts_change,
    .active_scripts = sqlite_scripts_active,
};
