// SPDX-License-Identifier: MIT
// Encrypts and decrypts bodies of revisions, and brings a file up to its key; its connection's thread.
//
// Changing the key: each transaction takes some rows, each row says its key; so a kill in between
// only means that the next start goes on. What lay there in the clear is gone when the table has
// been written anew, its old pages zeroed, and the WAL cut.
#include "store/sqlite_vault.h"

#include <endian.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/catalogue.h"

#define BODY_MAX ((size_t)80 << 20)
#define SLICE    64 // rows of a transaction

void sqlite_vault_init(struct sqlite_vault *v, const struct vault *vault)
{
    v->vault = vault;
    buf_init(&v->scratch, BODY_MAX);
}

void sqlite_vault_wipe(struct sqlite_vault *v)
{
    if (v->scratch.at != NULL)
        mem_wipe(v->scratch.at, v->scratch.capacity);
    buf_reset(&v->scratch, (size_t)1 << 20);
}

void sqlite_vault_deinit(struct sqlite_vault *v)
{
    sqlite_vault_wipe(v);
    buf_deinit(&v->scratch);
}

// The row's id: a body that lies elsewhere does not open.
struct place {
    uint32_t kind, number, revision;
};

static struct place place_of(const struct object *object)
{
    return (struct place){htole32((uint32_t)object->kind), htole32(object->number),
                          htole32(object->revision)};
}

struct span sqlite_vault_seal(struct sqlite_vault *v, const struct object *object, int64_t *key_id)
{
    *key_id = 0;
    if (v->vault == NULL)
        return object->body;
    struct place place = place_of(object);
    sqlite_vault_wipe(v);
    vault_seal(v->vault, span_make(&place, sizeof place), object->body, &v->scratch);
    *key_id = vault_key_id(v->vault);
    return buf_span(&v->scratch);
}

enum err sqlite_vault_open(struct sqlite_vault *v, struct object *object, int64_t key_id)
{
    struct place place = place_of(object);
    if (key_id == 0)
        return OK;
    sqlite_vault_wipe(v);
    enum err err = v->vault == NULL ? ERR_NOT_FOUND
                                    : vault_open(v->vault, key_id, span_make(&place, sizeof place),
                                                 object->body, &v->scratch);
    if (err == OK) {
        object->body = buf_span(&v->scratch);
        return OK;
    }
    log_line(LOG_ERROR, LOG_STORE_AREA,
             "revision %u of object %u (kind %d) cannot be decrypted: it was changed, moved from "
             "another row, or its key is not in secrets_key_file",
             object->revision, object->number, (int)object->kind);
    return ERR_CORRUPT;
}

// ---- at start ----------------------------------------------------------------------------------

static enum err check_keys(struct sqlite_vault *v, struct sqlite_db *db, struct errmsg *message)
{
    enum err err = OK;
    int64_t unknown = 0;
    (void)sqlite_db_use(db, SQL_REVISION_KEYS);
    while ((err = sqlite_db_next(db, SQL_REVISION_KEYS)) == OK) {
        int64_t key = sqlite_db_int(db, SQL_REVISION_KEYS, 0);
        if (key != 0 && (v->vault == NULL || !vault_has_key(v->vault, key)))
            unknown = key;
    }
    int64_t last = 0;
    if (err == ERR_NOT_FOUND)
        err = sqlite_db_meta(db, "secrets_key", 0, &last);
    if (err != OK)
        return err;
    if (unknown == 0 && (last == 0 || v->vault != NULL))
        return OK;
    if (v->vault == NULL)
        errmsg_set(message, "the database is encrypted, and secrets_key_file is not set: name the "
                            "file that holds its key");
    else
        errmsg_set(message,
                   "the database is encrypted by key %016llx, which secrets_key_file does "
                   "not hold: put the old key back, as a line below the new one",
                   (unsigned long long)unknown);
    return ERR_DENIED;
}

static enum err encrypt_row(struct sqlite_vault *v, struct sqlite_db *db)
{
    struct object object = {.kind = (enum object_kind)sqlite_db_int(db, SQL_REVISION_OTHER_KEY, 0),
                            .number = (uint32_t)sqlite_db_int(db, SQL_REVISION_OTHER_KEY, 1),
                            .revision = (uint32_t)sqlite_db_int(db, SQL_REVISION_OTHER_KEY, 2),
                            .body = sqlite_db_blob(db, SQL_REVISION_OTHER_KEY, 4)};
    int64_t key_id = sqlite_db_int(db, SQL_REVISION_OTHER_KEY, 3);
    enum err err = sqlite_vault_open(v, &object, key_id);
    if (err != OK)
        return err;
    char *plain = xmemdup0(object.body.at != NULL ? object.body.at : "", object.body.len);
    object.body.at = plain;
    struct span sealed = sqlite_vault_seal(v, &object, &key_id);
    mem_wipe(plain, object.body.len);
    xfree(plain);
    sqlite3_stmt *s = sqlite_db_use(db, SQL_REVISION_ENCRYPT);
    sqlite_db_bind(s, 1, object.kind);
    sqlite_db_bind(s, 2, object.number);
    sqlite_db_bind(s, 3, object.revision);
    sqlite_db_bind(s, 4, key_id);
    sqlite_db_bind_blob(s, 5, sealed);
    return sqlite_db_run(db, SQL_REVISION_ENCRYPT);
}

static enum err encrypt_slice(struct sqlite_vault *v, struct sqlite_db *db, size_t *count)
{
    enum err err = sqlite_db_exec(db, "BEGIN IMMEDIATE");
    if (err != OK)
        return err;
    for (*count = 0; err == OK && *count < SLICE; ++*count) {
        sqlite_db_bind(sqlite_db_use(db, SQL_REVISION_OTHER_KEY), 1, vault_key_id(v->vault));
        err = sqlite_db_row(db, SQL_REVISION_OTHER_KEY);
        if (err != OK)
            break;
        err = encrypt_row(v, db);
        sqlite_db_reset(db, SQL_REVISION_OTHER_KEY);
    }
    if (err == ERR_NOT_FOUND)
        err = OK;
    if (err == OK)
        err = sqlite_db_set_meta(db, "secrets_key", vault_key_id(v->vault));
    if (err == OK && *count > 0)
        err = sqlite_db_set_meta(db, "secrets_scrub", 1);
    if (err == OK)
        return sqlite_db_exec(db, "COMMIT");
    (void)!sqlite_db_exec(db, "ROLLBACK");
    return err;
}

// DROP zeroes the pages that it frees, those with remnants of moved rows too.
static enum err scrub(struct sqlite_db *db)
{
    enum err err = sqlite_db_exec(
        db, "BEGIN IMMEDIATE;"
            "CREATE TABLE revisions_fresh(kind INTEGER NOT NULL, number INTEGER NOT NULL,"
            " revision INTEGER NOT NULL, at INTEGER NOT NULL, is_deleted INTEGER NOT NULL,"
            " key TEXT NOT NULL, action TEXT NOT NULL, by TEXT NOT NULL, body BLOB NOT NULL,"
            " key_id INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (kind, number, revision))"
            " WITHOUT ROWID;"
            "INSERT INTO revisions_fresh(kind, number, revision, at, is_deleted, key, action, by,"
            " body, key_id) SELECT kind, number, revision, at, is_deleted, key, action, by, body,"
            " key_id FROM revisions;"
            "DROP TABLE revisions;"
            "ALTER TABLE revisions_fresh RENAME TO revisions;"
            "CREATE INDEX revisions_key_id ON revisions(key_id);"
            "UPDATE meta SET v = 2 WHERE k = 'secrets_scrub';"
            "COMMIT");
    if (err != OK && !sqlite3_get_autocommit(db->handle))
        (void)!sqlite_db_exec(db, "ROLLBACK");
    return err;
}

static enum err clear_remnants(struct sqlite_db *db)
{
    int64_t state = 0;
    enum err err = sqlite_db_meta(db, "secrets_scrub", 0, &state);
    if (err == OK && state == 1)
        err = scrub(db);
    if (err != OK || state == 0)
        return err;
    int rc = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    err = sqlite_db_err(db, rc);
    return err == OK ? sqlite_db_set_meta(db, "secrets_scrub", 0) : err;
}

enum err sqlite_vault_start(struct sqlite_vault *v, struct sqlite_db *db, struct errmsg *message)
{
    size_t count = 0;
    size_t total = 0;
    enum err err = check_keys(v, db, message);
    if (err != OK || v->vault == NULL)
        return err;
    err = sqlite_db_exec(db, "PRAGMA secure_delete = ON");
    do {
        if (err == OK)
            err = encrypt_slice(v, db, &count);
        total += count;
        if (failpoint_hit(FAILPOINT_STORE_REKEY))
            err = ERR_IO;
    } while (err == OK && count == SLICE);
    sqlite_vault_wipe(v);
    if (err == OK)
        err = clear_remnants(db);
    if (err == OK)
        err = sqlite_db_exec(db, "PRAGMA secure_delete = OFF");
    if (err == OK && total > 0)
        log_line(LOG_INFO, LOG_STORE_AREA, "%zu stored revisions were encrypted by key %016llx",
                 total, (unsigned long long)vault_key_id(v->vault));
    if (err == ERR_CORRUPT)
        errmsg_set(message, "a stored revision cannot be decrypted (see the log): it was changed, "
                            "or moved from another row");
    return err;
}
