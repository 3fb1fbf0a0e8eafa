// SPDX-License-Identifier: MIT
// Versions of scripts and which is active; the first half on the store thread, the rest on the
// reader's.
#include "store/sqlite_scripts.h"

#include "store/sqlite.h"

void sqlite_scripts_read(struct sqlite_db *db, enum sqlite_sql which, bool has_source,
                         struct script_row *out)
{
    *out = (struct script_row){
        .number = (uint32_t)sqlite_db_int(db, which, 0),
        .place = {.tenant = sqlite_db_blob(db, which, 1),
                  .origin = (enum script_origin)sqlite_db_int(db, which, 2),
                  .name = sqlite_db_blob(db, which, 3)},
        .hash = sqlite_db_blob(db, which, 4),
        .at_ms = sqlite_db_int(db, which, 5),
        .by = sqlite_db_blob(db, which, 6),
        .note = sqlite_db_blob(db, which, 7),
        .functions = (uint32_t)sqlite_db_int(db, which, 8),
        .description = sqlite_db_blob(db, which, 9),
        .checked_by = sqlite_db_blob(db, which, 10),
        .active_ms = sqlite_db_int(db, which, 11),
        .is_active = sqlite_db_int(db, which, 12) != 0,
        .active_by = sqlite_db_blob(db, which, 13),
        .seen = sqlite_db_blob(db, which, 14),
    };
    if (has_source)
        out->source = sqlite_db_blob(db, which, 15);
}

// ---- changing ------------------------------------------------------------------------------------

static sqlite3_stmt *use_place(struct sqlite_db *db, enum sqlite_sql which,
                               const struct script_place *place)
{
    sqlite3_stmt *statement = sqlite_db_use(db, which);
    sqlite_db_bind_text(statement, 1, place->name);
    sqlite_db_bind_text(statement, 2, place->tenant);
    sqlite_db_bind(statement, 3, place->origin);
    return statement;
}

// ERR_NOT_FOUND: the place has no version with that hash.
static enum err find_version(struct sqlite_db *db, const struct script_step *step, int64_t *number)
{
    sqlite_db_bind_text(use_place(db, SQL_SCRIPT_VERSION_GET, &step->place), 4, step->hash);
    enum err err = sqlite_db_row(db, SQL_SCRIPT_VERSION_GET);
    if (err != OK)
        return err;
    *number = sqlite_db_int(db, SQL_SCRIPT_VERSION_GET, 0);
    sqlite_db_reset(db, SQL_SCRIPT_VERSION_GET);
    return OK;
}

static enum err add_version(struct sqlite_db *db, const struct script_change *change,
                            const struct script_step *step, int64_t *number)
{
    sqlite3_stmt *source = sqlite_db_use(db, SQL_SCRIPT_SOURCE_PUT);
    sqlite_db_bind_text(source, 1, step->hash);
    sqlite_db_bind_blob(source, 2, step->source);
    enum err err = sqlite_db_run(db, SQL_SCRIPT_SOURCE_PUT);
    if (err != OK)
        return err;
    sqlite3_stmt *s = use_place(db, SQL_SCRIPT_VERSION_PUT, &step->place);
    sqlite_db_bind_text(s, 4, step->hash);
    sqlite_db_bind(s, 5, change->at_ms);
    sqlite_db_bind_text(s, 6, change->by);
    sqlite_db_bind_text(s, 7, change->note);
    sqlite_db_bind(s, 8, step->functions);
    sqlite_db_bind_blob(s, 9, step->description);
    sqlite_db_bind_text(s, 10, step->checked_by);
    err = sqlite_db_run(db, SQL_SCRIPT_VERSION_PUT);
    return err == OK ? find_version(db, step, number) : err;
}

static enum err note_check(struct sqlite_db *db, const struct script_step *step, int64_t number)
{
    if (step->checked_by.len == 0)
        return OK;
    sqlite3_stmt *s = sqlite_db_use(db, SQL_SCRIPT_VERSION_CHECKED);
    sqlite_db_bind(s, 1, number);
    sqlite_db_bind(s, 2, step->functions);
    sqlite_db_bind_blob(s, 3, step->description);
    sqlite_db_bind_text(s, 4, step->checked_by);
    return sqlite_db_run(db, SQL_SCRIPT_VERSION_CHECKED);
}

static enum err activate(struct sqlite_db *db, const struct script_change *change,
                         const struct script_step *step, int64_t number)
{
    struct span seen = step->seen;
    (void)use_place(db, SQL_SCRIPT_PLACE_GET, &step->place);
    enum err err = sqlite_db_row(db, SQL_SCRIPT_PLACE_GET);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (err == OK && seen.len == 0)
        seen = sqlite_db_blob(db, SQL_SCRIPT_PLACE_GET, 1); // until the reset below
    sqlite3_stmt *s = use_place(db, SQL_SCRIPT_PLACE_PUT, &step->place);
    sqlite_db_bind(s, 4, number);
    sqlite_db_bind_text(s, 5, seen);
    sqlite_db_bind(s, 6, change->at_ms);
    sqlite_db_bind_text(s, 7, change->by);
    err = sqlite_db_run(db, SQL_SCRIPT_PLACE_PUT);
    sqlite_db_reset(db, SQL_SCRIPT_PLACE_GET);
    if (err != OK)
        return err;
    sqlite3_stmt *active = sqlite_db_use(db, SQL_SCRIPT_VERSION_ACTIVE);
    sqlite_db_bind(active, 1, number);
    sqlite_db_bind(active, 2, change->at_ms);
    return sqlite_db_run(db, SQL_SCRIPT_VERSION_ACTIVE);
}

static enum err note_seen(struct sqlite_db *db, const struct script_step *step)
{
    if (step->seen.len == 0)
        return OK;
    sqlite_db_bind_text(use_place(db, SQL_SCRIPT_PLACE_SEEN, &step->place), 4, step->seen);
    return sqlite_db_run(db, SQL_SCRIPT_PLACE_SEEN);
}

static enum err give_up(struct sqlite_db *db, const struct script_step *step, int64_t *number)
{
    (void)use_place(db, SQL_SCRIPT_PLACE_GET, &step->place);
    enum err err = sqlite_db_row(db, SQL_SCRIPT_PLACE_GET);
    if (err != OK)
        return err;
    *number = sqlite_db_int(db, SQL_SCRIPT_PLACE_GET, 0);
    sqlite_db_reset(db, SQL_SCRIPT_PLACE_GET);
    (void)use_place(db, SQL_SCRIPT_PLACE_DELETE, &step->place);
    return sqlite_db_run(db, SQL_SCRIPT_PLACE_DELETE);
}

// The key reads as a person would write it: "default/slack@1a2b…", or "slack@…" for all tenants.
static enum err write_audit(struct journal_conn *conn, const struct script_change *change,
                            const struct script_step *step, int64_t number)
{
    struct sqlite_db *db = &conn->db;
    buf_clear(&conn->record);
    (void)buf_append_format(&conn->record, "%.*s%s%.*s%s%.*s", SPAN_ARGS(step->place.tenant),
                            step->place.tenant.len > 0 ? "/" : "", SPAN_ARGS(step->place.name),
                            step->hash.len > 0 ? "@" : "", SPAN_ARGS(step->hash));
    sqlite3_stmt *s = sqlite_db_use(db, SQL_AUDIT_INSERT);
    sqlite_db_bind(s, 1, change->at_ms);
    sqlite_db_bind_text(s, 2, change->by);
    sqlite_db_bind_text(s, 3, step->action);
    sqlite_db_bind(s, 4, OBJECT_SCRIPT);
    sqlite_db_bind(s, 5, number);
    sqlite_db_bind(s, 6, 0);
    sqlite_db_bind_text(s, 7, buf_span(&conn->record));
    return sqlite_db_run(db, SQL_AUDIT_INSERT);
}

static enum err take_step(struct journal_conn *conn, const struct script_change *change,
                          const struct script_step *step)
{
    struct sqlite_db *db = &conn->db;
    int64_t number = 0;
    enum err err;
    if (step->hash.len == 0) {
        err = give_up(db, step, &number);
    } else {
        err = find_version(db, step, &number);
        if (err == OK)
            err = note_check(db, step, number);
        else if (err == ERR_NOT_FOUND && step->source.len > 0)
            err = add_version(db, change, step, &number);
        if (err == OK)
            err = step->is_activated ? activate(db, change, step, number) : note_seen(db, step);
    }
    return err == OK && step->action.len > 0 ? write_audit(conn, change, step, number) : err;
}

enum err sqlite_scripts_change(struct journal_conn *conn, const struct script_change *change)
{
    enum err err = sqlite_txn_begin(conn);
    if (err != OK)
        return err;
    for (size_t i = 0; err == OK && i < change->count; i++)
        err = take_step(conn, change, &change->steps[i]);
    return sqlite_txn_end(conn, err);
}

enum err sqlite_scripts_active(struct journal_conn *conn,
                               void (*on_row)(void *context, const struct script_row *row),
                               void *context)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    (void)sqlite_db_use(db, SQL_SCRIPT_ACTIVE);
    while ((err = sqlite_db_next(db, SQL_SCRIPT_ACTIVE)) == OK) {
        struct script_row row;
        sqlite_scripts_read(db, SQL_SCRIPT_ACTIVE, true, &row);
        on_row(context, &row);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

// ---- reading -------------------------------------------------------------------------------------

enum err sqlite_scripts_versions(struct query_conn *conn, const struct query_scripts *wanted,
                                 void (*on_row)(void *context, const struct script_row *row),
                                 void *context)
{
    struct sqlite_db *db = &conn->db;
    enum err err = sqlite_query_begin(conn);
    if (err != OK)
        return err;
    sqlite3_stmt *s = sqlite_db_use(db, SQL_SCRIPT_VERSIONS);
    sqlite_db_bind_text(s, 1, wanted->name);
    sqlite_db_bind_text(s, 2, wanted->tenant);
    sqlite_db_bind(s, 3, wanted->before > 0 ? wanted->before : INT64_MAX);
    sqlite_db_bind(s, 4, wanted->limit);
    while ((err = sqlite_db_next(db, SQL_SCRIPT_VERSIONS)) == OK) {
        struct script_row row;
        sqlite_scripts_read(db, SQL_SCRIPT_VERSIONS, false, &row);
        on_row(context, &row);
    }
    return sqlite_query_end(conn, err == ERR_NOT_FOUND ? OK : err);
}

enum err sqlite_scripts_version(struct query_conn *conn, const struct query_scripts *wanted,
                                void (*on_row)(void *context, const struct script_row *row),
                                void *context)
{
    struct sqlite_db *db = &conn->db;
    enum err err = sqlite_query_begin(conn);
    if (err != OK)
        return err;
    sqlite3_stmt *s = sqlite_db_use(db, SQL_SCRIPT_VERSION);
    sqlite_db_bind_text(s, 1, wanted->name);
    sqlite_db_bind_text(s, 2, wanted->tenant);
    sqlite_db_bind_text(s, 3, wanted->hash);
    sqlite_db_bind(s, 4, wanted->origin);
    err = sqlite_db_row(db, SQL_SCRIPT_VERSION);
    if (err == OK) {
        struct script_row row;
        sqlite_scripts_read(db, SQL_SCRIPT_VERSION, true, &row);
        on_row(context, &row);
        sqlite_db_reset(db, SQL_SCRIPT_VERSION);
    }
    return sqlite_query_end(conn, err);
}
