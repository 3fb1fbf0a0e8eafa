// SPDX-License-Identifier: MIT
// Reading for the API on a connection of its own: budget, single rows, objects; reader thread.
#include "store/sqlite_query.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/sqlite.h"
#include "store/sqlite_scripts.h"

#define PROGRESS_STEPS 2000              // of SQLite's machine between two looks at the clock
#define SCRATCH_MAX    ((size_t)8 << 20) // the attempts of one delivery

static int on_progress(void *context)
{
    struct query_conn *conn = NULL;
    CAST(conn, context, SQLITE_QUERY_MAGIC);
    return clock_mono_ms() > conn->deadline_mono_ms;
}

static void close_query(struct query_conn **conn_at)
{
    struct query_conn *conn = *conn_at;
    *conn_at = NULL;
    if (conn == NULL)
        return;
    CHECK(conn->magic == SQLITE_QUERY_MAGIC);
    sqlite_db_close(&conn->db);
    arena_deinit(&conn->scratch);
    sqlite_vault_deinit(&conn->vault);
    conn->magic = 0;
    xfree(conn);
}

static enum err open_query(struct query_conn **out, const struct store_config *config,
                           struct errmsg *message)
{
    struct query_conn *conn = xcalloc(1, sizeof *conn);
    conn->magic = SQLITE_QUERY_MAGIC;
    conn->budget_ms = config->query_budget_ms > 0 ? config->query_budget_ms : QUERY_BUDGET_MS;
    arena_init(&conn->scratch, SCRATCH_MAX);
    sqlite_vault_init(&conn->vault, config->vault);
    enum err err = sqlite_db_open(&conn->db, config->location, SQLITE_DB_READER, message);
    if (err == OK)
        err = sqlite_db_prepare(&conn->db, SQLITE_DB_READER, message);
    if (err != OK) {
        close_query(&conn);
        return err;
    }
    sqlite3_progress_handler(conn->db.handle, PROGRESS_STEPS, on_progress, conn);
    *out = conn;
    return OK;
}

enum err sqlite_query_begin(struct query_conn *conn)
{
    CHECK(conn->magic == SQLITE_QUERY_MAGIC);
    conn->deadline_mono_ms = clock_mono_ms() + conn->budget_ms;
    sqlite_db_use(&conn->db, SQL_SNAPSHOT);
    return sqlite_db_run(&conn->db, SQL_SNAPSHOT);
}

enum err sqlite_query_end(struct query_conn *conn, enum err err)
{
    conn->deadline_mono_ms = INT64_MAX; // ending takes no time, and must not be stopped
    if (sqlite3_get_autocommit(conn->db.handle))
        return err;
    sqlite_db_use(&conn->db, SQL_COMMIT);
    enum err ended = sqlite_db_run(&conn->db, SQL_COMMIT);
    return err != OK ? err : ended;
}

bool sqlite_query_is_late(const struct query_conn *conn, int percent)
{
    return clock_mono_ms() + conn->budget_ms * (100 - percent) / 100 > conn->deadline_mono_ms;
}

enum err sqlite_query_event(struct query_conn *conn, uint64_t seq, struct event **out)
{
    struct sqlite_db *db = &conn->db;
    sqlite_db_bind(sqlite_db_use(db, SQL_EVENT_GET), 1, (int64_t)seq);
    enum err err = sqlite_db_row(db, SQL_EVENT_GET);
    if (err != OK)
        return err;
    err = seal_open_event(seq, sqlite_db_blob(db, SQL_EVENT_GET, 0), out);
    sqlite_db_reset(db, SQL_EVENT_GET);
    return err;
}

enum err sqlite_query_has(struct query_conn *conn, enum sqlite_sql which, uint64_t id)
{
    sqlite_db_bind(sqlite_db_use(&conn->db, which), 1, (int64_t)id);
    enum err err = sqlite_db_row(&conn->db, which);
    sqlite_db_reset(&conn->db, which);
    return err;
}

static enum err get_event(struct query_conn *conn, uint64_t seq, struct event **out)
{
    enum err err = sqlite_query_begin(conn);
    return err == OK ? sqlite_query_end(conn, sqlite_query_event(conn, seq, out)) : err;
}

// ---- one delivery -----------------------------------------------------------------------------------

static void take_row(const struct row *row, struct arena *arena, struct query_delivery *out)
{
    out->outcome = row->outcome;
    out->is_replay = row->is_replay;
    out->reason = arena_copy(arena, row->reason);
}

static enum err read_pending(struct query_conn *conn, struct arena *arena,
                             struct query_delivery *out)
{
    struct sqlite_db *db = &conn->db;
    struct row row = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_PENDING_GET), 1, (int64_t)out->id);
    enum err err = sqlite_db_row(db, SQL_PENDING_GET);
    if (err != OK)
        return err;
    out->webhook = (uint32_t)sqlite_db_int(db, SQL_PENDING_GET, 0);
    out->due_ms = sqlite_db_int(db, SQL_PENDING_GET, 1);
    out->state = DELIVERY_PENDING;
    out->has_row = true;
    err = row_unpack(sqlite_db_blob(db, SQL_PENDING_GET, 2), out->id, &row);
    if (err == OK)
        take_row(&row, arena, out);
    sqlite_db_reset(db, SQL_PENDING_GET);
    if (out->due_ms == INT64_MAX)
        out->due_ms = 0;
    return err;
}

static enum err read_final(struct query_conn *conn, struct arena *arena, struct query_delivery *out)
{
    struct sqlite_db *db = &conn->db;
    struct row row = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_FINAL_GET), 1, (int64_t)out->id);
    enum err err = sqlite_db_row(db, SQL_FINAL_GET);
    if (err != OK)
        return err;
    out->webhook = (uint32_t)sqlite_db_int(db, SQL_FINAL_GET, 0);
    out->state = (enum delivery_state)sqlite_db_int(db, SQL_FINAL_GET, 1);
    out->has_row = true;
    err = row_unpack(sqlite_db_blob(db, SQL_FINAL_GET, 2), out->id, &row);
    if (err == OK)
        take_row(&row, arena, out);
    out->settled_ms = row.at_ms;
    sqlite_db_reset(db, SQL_FINAL_GET);
    return err;
}

static enum err read_delivery(struct query_conn *conn, struct arena *arena,
                              struct query_delivery *out)
{
    enum err err = read_pending(conn, arena, out);
    if (err == ERR_NOT_FOUND)
        err = read_final(conn, arena, out);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    bool has_row = err == OK;
    err = sqlite_query_event(conn, delivery_seq(out->id), &out->event);
    if (err != OK)
        return err;
    if (!has_row) {
        if (delivery_index(out->id) >= out->event->webhook_count)
            return ERR_NOT_FOUND;
        out->webhook = out->event->webhooks[delivery_index(out->id)];
        out->state = DELIVERY_PENDING;
    }
    return sqlite_attempts_read(conn, arena, out);
}

static enum err get_delivery(struct query_conn *conn, uint64_t id, struct arena *arena,
                             struct query_delivery *out)
{
    struct query_delivery row = {.id = id};
    enum err err = sqlite_query_begin(conn);
    if (err != OK)
        return err;
    err = sqlite_query_end(conn, read_delivery(conn, arena, &row));
    if (err == OK)
        *out = row;
    else
        event_unref(row.event);
    return err;
}

static enum err get_deliveries(struct query_conn *conn, const struct query_filter *filter,
                               struct query_deliveries *out)
{
    enum err err = sqlite_query_begin(conn);
    return err == OK ? sqlite_query_end(conn, sqlite_list_deliveries(conn, filter, out)) : err;
}

static enum err get_events(struct query_conn *conn, const struct query_filter *filter,
                           struct query_events *out)
{
    enum err err = sqlite_query_begin(conn);
    return err == OK ? sqlite_query_end(conn, sqlite_events_list(conn, filter, out)) : err;
}

// ---- objects ----------------------------------------------------------------------------------------

static enum err each_object(struct query_conn *conn, enum sqlite_sql which, enum object_kind kind,
                            void (*on_object)(void *context, const struct object *object),
                            void *context)
{
    enum err err = OK;
    while ((err = sqlite_db_next(&conn->db, which)) == OK) {
        struct object object = {.kind = kind};
        err = sqlite_catalogue_read(&conn->db, &conn->vault, which, &object);
        if (err != OK)
            break;
        on_object(context, &object);
    }
    sqlite_vault_wipe(&conn->vault);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err get_revisions(struct query_conn *conn, enum object_kind kind, uint32_t number,
                              void (*on_object)(void *context, const struct object *object),
                              void *context)
{
    enum err err = sqlite_query_begin(conn);
    if (err != OK)
        return err;
    sqlite3_stmt *statement = sqlite_db_use(&conn->db, SQL_REVISION_LIST);
    sqlite_db_bind(statement, 1, kind);
    sqlite_db_bind(statement, 2, number);
    return sqlite_query_end(conn, each_object(conn, SQL_REVISION_LIST, kind, on_object, context));
}

static enum err get_webhooks_at(struct query_conn *conn, int64_t at_ms,
                                void (*on_object)(void *context, const struct object *object),
                                void *context)
{
    enum err err = sqlite_query_begin(conn);
    if (err != OK)
        return err;
    sqlite3_stmt *statement = sqlite_db_use(&conn->db, SQL_REVISIONS_AT);
    sqlite_db_bind(statement, 1, OBJECT_WEBHOOK);
    sqlite_db_bind(statement, 2, at_ms);
    err = each_object(conn, SQL_REVISIONS_AT, OBJECT_WEBHOOK, on_object, context);
    return sqlite_query_end(conn, err);
}

const struct query sqlite_query = {
    .open = open_query,
    .close = close_query,
    .event = get_event,
    .events = get_events,
    .deliveries = get_deliveries,
    .delivery = get_delivery,
    .revisions = get_revisions,
    .webhooks_at = get_webhooks_at,
    .script_versions = sqlite_scripts_versions,
    .script_version = sqlite_scripts_version,
};
