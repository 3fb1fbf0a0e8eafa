// SPDX-License-Identifier: MIT
// The commit: events and settlements of a batch in one transaction, verdicts on idempotency keys;
// store thread.
#include "base/clock.h"
#include "base/failpoint.h"
#include "store/sqlite.h"

static bool is_same_key(const struct event *a, const struct event *b)
{
    return span_eq(a->tenant, b->tenant) && span_eq(a->key_id, b->key_id);
}

// Was an event with this key accepted within the window? Gives its verdict then.
static enum err judge(struct journal_conn *conn, struct append *append, const uint8_t hash[16])
{
    const struct event *event = append->event;
    size_t at = 0;
    uint64_t seq = 0;
    enum err err = OK;

    append->verdict = APPEND_STORED;
    while ((err = sqlite_keys_find(&conn->keys, &conn->db, hash, &at, &seq)) == OK) {
        struct event *first = NULL;
        err = sqlite_settle_event(conn, seq, &first);
        if (err == ERR_NOT_FOUND || err == ERR_CORRUPT) // pruned, or beyond reading
            continue;
        if (err != OK)
            return err;
        if (is_same_key(first, event) &&
            event->accepted_ms - first->accepted_ms <= conn->window_ms) {
            bool is_same = memcmp(first->content_hash, event->content_hash, 32) == 0;
            append->verdict = is_same ? APPEND_DUPLICATE : APPEND_ID_REUSED;
            append->first_id = first->id;
            append->first_deliveries = first->webhook_count;
            event_unref(first);
            return OK;
        }
        event_unref(first);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err insert_pending(struct journal_conn *conn, const struct append *append)
{
    const struct event *event = append->event;
    for (uint32_t i = 0; i < event->webhook_count && append->due_ms != NULL; i++) {
        if (append->due_ms[i] == APPEND_IN_MEMORY)
            continue;
        enum err err = sqlite_settle_pending(conn, &(struct settlement){
                                                       .delivery = delivery_id(event->seq, i),
                                                       .webhook = event->webhooks[i],
                                                       .state = DELIVERY_PENDING,
                                                       .due_ms = append->due_ms[i],
                                                       .at_ms = event->accepted_ms,
                                                   });
        if (err != OK)
            return err;
    }
    return OK;
}

static enum err append_one(struct journal_conn *conn, struct append *append)
{
    const struct event *event = append->event;
    append->verdict = APPEND_STORED;
    if (event->key_id.len > 0) {
        uint8_t hash[16];
        sqlite_keys_hash(event->tenant, event->key_id, hash);
        enum err err = judge(conn, append, hash);
        if (err != OK || append->verdict != APPEND_STORED)
            return err;
        sqlite_keys_add(&conn->keys, hash, event->seq, event->accepted_ms);
    }
    buf_clear(&conn->record);
    seal_event(event, &conn->record);
    if (conn->record.is_full)
        return ERR_RANGE;
    sqlite3_stmt *statement = sqlite_db_use(&conn->db, SQL_EVENT_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)event->seq);
    sqlite_db_bind_blob(statement, 2, buf_span(&conn->record));
    enum err err = sqlite_db_run(&conn->db, SQL_EVENT_INSERT);
    return err == OK ? insert_pending(conn, append) : err;
}

static void append_apply(struct journal_conn *conn, const struct append *append)
{
    const struct event *event = append->event;
    if (append->verdict != APPEND_STORED)
        return;
    mark_append(&conn->mark, event->seq, event->webhook_count);
    for (uint32_t i = 0; i < event->webhook_count && append->due_ms != NULL; i++) {
        if (append->due_ms[i] != APPEND_IN_MEMORY)
            mark_dispose(&conn->mark, event->seq, i);
    }
}

// What belongs to the transaction beside its rows. The mark is that of the commit before: an old
// one makes the scan at the start longer, one that is ahead would lose deliveries.
static enum err write_tails(struct journal_conn *conn, int64_t low)
{
    enum err err = sqlite_runs_write_tail(&conn->runs, &conn->db, buf_span(&conn->tail));
    if (err == OK)
        err = sqlite_keys_write_tail(&conn->keys, &conn->db);
    if (err == OK && low != conn->low_written)
        err = sqlite_db_set_meta(&conn->db, "low_water", low);
    if (err == OK && failpoint_hit(FAILPOINT_STORE_BEFORE_COMMIT))
        err = ERR_IO;
    return err;
}

static bool only_unclaims(const struct settlement *settlements, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!settlements[i].is_unclaim)
            return false;
    }
    return true;
}

static void apply(struct journal_conn *conn, const struct append *appends, size_t append_count,
                  const struct settlement *settlements, size_t settlement_count)
{
    sqlite_runs_apply_tail(&conn->runs, buf_span(&conn->tail));
    for (size_t i = 0; i < append_count; i++)
        append_apply(conn, &appends[i]);
    for (size_t i = 0; i < settlement_count; i++)
        sqlite_settle_apply(conn, &settlements[i]);
}

static enum err check_batch(struct journal_conn *conn, const struct append *appends, size_t count)
{
    enum err err = sqlite_txn_look(conn);
    if (err != OK)
        return err;
    if (count > 0 && conn->is_low)
        return ERR_NO_SPACE;
    uint64_t next = conn->mark.next;
    for (size_t i = 0; i < count; i++) {
        CHECK(appends[i].event->seq >= next && appends[i].event->seq < UINT64_C(1) << 47);
        next = appends[i].event->seq + 1;
    }
    return failpoint_hit(FAILPOINT_STORE_BEFORE_INSERT) ? ERR_IO : OK;
}

enum err sqlite_journal_commit(struct journal_conn *conn, struct append *appends,
                               size_t append_count, const struct settlement *settlements,
                               size_t settlement_count)
{
    enum err err = check_batch(conn, appends, append_count);
    if (err != OK)
        return err;
    buf_clear(&conn->tail);
    if (append_count == 0 && only_unclaims(settlements, settlement_count)) {
        apply(conn, appends, 0, settlements, settlement_count);
        return OK;
    }
    int64_t low = (int64_t)mark_low(&conn->mark);
    err = sqlite_txn_begin(conn);
    if (err != OK)
        return err;
    for (size_t i = 0; i < append_count && err == OK; i++)
        err = append_one(conn, &appends[i]);
    for (size_t i = 0; i < settlement_count && err == OK; i++)
        err = sqlite_settle_one(conn, &settlements[i]);
    if (err == OK)
        err = write_tails(conn, low);
    err = sqlite_txn_end(conn, err);
    if (err != OK) {
        sqlite_keys_rolled_back(&conn->keys);
        return err;
    }
    if (failpoint_hit(FAILPOINT_STORE_AFTER_COMMIT))
        return ERR_INTERRUPTED;
    conn->low_written = low;
    sqlite_keys_committed(&conn->keys);
    apply(conn, appends, append_count, settlements, settlement_count);
    return OK;
}
