// SPDX-License-Identifier: MIT
// Rows of deliveries: pending and final ones are written here and nowhere else; store thread.
#include "base/pack.h"
#include "store/sqlite.h"

enum err sqlite_settle_event(struct journal_conn *conn, uint64_t seq, struct event **out)
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

static void bind_row(sqlite3_stmt *statement, const struct settlement *s, int64_t third,
                     struct span record)
{
    sqlite_db_bind(statement, 1, (int64_t)s->delivery);
    sqlite_db_bind(statement, 2, s->webhook);
    sqlite_db_bind(statement, 3, third);
    sqlite_db_bind_blob(statement, 4, record);
}

static struct span pack(struct journal_conn *conn, const struct settlement *s)
{
    struct row row = {
        .outcome = s->outcome,
        .is_replay = s->is_replay,
        .attempts = s->attempts,
        .kills = s->kills,
        .at_ms = s->at_ms,
        .reason = s->reason,
    };
    if (s->state != DELIVERY_PENDING)
        row.attempt = s->attempt;
    buf_clear(&conn->record);
    row_pack(&row, s->delivery, &conn->record);
    return buf_span(&conn->record);
}

static enum err put_attempt(struct journal_conn *conn, uint64_t delivery, uint32_t number,
                            struct span attempt)
{
    if (attempt.len == 0)
        return OK;
    buf_clear(&conn->record);
    pack_raw(&conn->record, attempt.at, attempt.len);
    seal_close(&conn->record, 0, delivery);
    sqlite3_stmt *statement = sqlite_db_use(&conn->db, SQL_ATTEMPT_PUT);
    sqlite_db_bind(statement, 1, (int64_t)delivery);
    sqlite_db_bind(statement, 2, number);
    sqlite_db_bind_blob(statement, 3, buf_span(&conn->record));
    return sqlite_db_run(&conn->db, SQL_ATTEMPT_PUT);
}

static enum err update_pending(struct journal_conn *conn, const struct settlement *s,
                               struct span record, bool *is_there)
{
    bind_row(sqlite_db_use(&conn->db, SQL_PENDING_UPDATE), s, s->due_ms, record);
    enum err err = sqlite_db_run(&conn->db, SQL_PENDING_UPDATE);
    *is_there = err == OK && sqlite3_changes(conn->db.handle) > 0;
    return err;
}

// has_row says which is tried first; what is in the file decides.
enum err sqlite_settle_pending(struct journal_conn *conn, const struct settlement *s)
{
    bool is_there = false;
    struct span record = pack(conn, s);
    if (s->has_row) {
        enum err err = update_pending(conn, s, record, &is_there);
        if (err != OK || is_there)
            return err;
    }
    bind_row(sqlite_db_use(&conn->db, SQL_PENDING_INSERT), s, s->due_ms, record);
    enum err err = sqlite_db_run(&conn->db, SQL_PENDING_INSERT);
    if (err == OK)
        conn->pending_change++;
    if (err != ERR_EXISTS)
        return err;
    return update_pending(conn, s, record, &is_there);
}

static enum err delete_pending(struct journal_conn *conn, uint64_t id)
{
    sqlite_db_bind(sqlite_db_use(&conn->db, SQL_PENDING_DELETE), 1, (int64_t)id);
    enum err err = sqlite_db_run(&conn->db, SQL_PENDING_DELETE);
    if (err == OK)
        conn->pending_change -= sqlite3_changes(conn->db.handle);
    return err;
}

// It was settled before: the attempt that was in its row joins the others, also when it ends without
// another one (cancelled).
static enum err replace_final(struct journal_conn *conn, const struct settlement *s, bool is_kept)
{
    struct sqlite_db *db = &conn->db;
    struct row before = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_FINAL_GET), 1, (int64_t)s->delivery);
    enum err err = sqlite_db_row(db, SQL_FINAL_GET);
    // A record that is damaged is replaced all the same.
    if (err == OK && row_unpack(sqlite_db_blob(db, SQL_FINAL_GET, 2), s->delivery, &before) == OK &&
        (before.attempts < s->attempts || s->attempt.len == 0))
        err = put_attempt(conn, s->delivery, before.attempts, before.attempt);
    sqlite_db_reset(db, SQL_FINAL_GET);
    if (err != OK)
        return err;
    enum sqlite_sql update = is_kept ? SQL_KEPT_UPDATE : SQL_FINAL_UPDATE;
    bind_row(sqlite_db_use(db, update), s, s->state, pack(conn, s));
    return sqlite_db_run(db, update);
}

static enum err settle_final(struct journal_conn *conn, const struct settlement *s)
{
    bool is_kept = delivery_seq(s->delivery) < conn->floor;
    if (s->has_row) {
        enum err err = delete_pending(conn, s->delivery);
        if (err != OK)
            return err;
    }
    enum sqlite_sql insert = is_kept ? SQL_KEPT_INSERT : SQL_FINAL_INSERT;
    bind_row(sqlite_db_use(&conn->db, insert), s, s->state, pack(conn, s));
    enum err err = sqlite_db_run(&conn->db, insert);
    if (err == ERR_EXISTS)
        err = replace_final(conn, s, is_kept);
    if (err == OK && !is_kept)
        sqlite_runs_pack(&conn->tail, s->delivery, s->webhook, s->state);
    return err;
}

enum err sqlite_settle_one(struct journal_conn *conn, const struct settlement *s)
{
    if (s->is_unclaim)
        return OK;
    if (s->state != DELIVERY_PENDING) {
        CHECK(delivery_state_is_final(s->state));
        return settle_final(conn, s);
    }
    enum err err = put_attempt(conn, s->delivery, s->attempts, s->attempt);
    return err == OK ? sqlite_settle_pending(conn, s) : err;
}

void sqlite_settle_apply(struct journal_conn *conn, const struct settlement *s)
{
    if (s->state == DELIVERY_PENDING && s->is_held)
        (void)map_set(&conn->claimed, s->delivery, conn);
    else
        (void)map_remove(&conn->claimed, s->delivery);
    if (!s->is_unclaim)
        mark_dispose(&conn->mark, delivery_seq(s->delivery), delivery_index(s->delivery));
}

enum err sqlite_settle_all(struct journal_conn *conn, const struct settlement *s, size_t count)
{
    if (count == 0)
        return OK;
    enum err err = sqlite_txn_begin(conn);
    if (err != OK)
        return err;
    buf_clear(&conn->tail);
    for (size_t i = 0; i < count && err == OK; i++)
        err = sqlite_settle_one(conn, &s[i]);
    if (err == OK)
        err = sqlite_runs_write_tail(&conn->runs, &conn->db, buf_span(&conn->tail));
    err = sqlite_txn_end(conn, err);
    if (err != OK)
        return err;
    sqlite_runs_apply_tail(&conn->runs, buf_span(&conn->tail));
    for (size_t i = 0; i < count; i++)
        sqlite_settle_apply(conn, &s[i]);
    return OK;
}
