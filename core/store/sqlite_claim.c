// SPDX-License-Identifier: MIT
// Handing out what waits: claims per webhook, what is owed after a crash, cancel and retry; store
// thread.
//
// A claim writes nothing: which rows are out is known here alone, and a crash releases them.
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/sqlite.h"

#define SLICE 256 // settlements per transaction made here

// Rows whose event cannot be read would be claimed for ever: they end as dead, and say why.
static enum err bury(struct journal_conn *conn, const struct claimed *row)
{
    log_line(LOG_ERROR, LOG_STORE_AREA, "event %llu cannot be read: its delivery is given up",
             (unsigned long long)delivery_seq(row->delivery));
    struct settlement dead = {
        .delivery = row->delivery,
        .webhook = row->webhook,
        .state = DELIVERY_DEAD,
        .has_row = row->has_row,
        .attempts = row->attempts,
        .at_ms = clock_wall_ms(),
        .reason = SPAN("the stored event is damaged"),
    };
    return sqlite_settle_all(conn, &dead, 1);
}

static void unref_events(struct claimed *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        event_unref(rows[i].event);
        rows[i].event = NULL;
    }
}

// Reads the events; rows without one are buried and taken out. On failure no event is held.
static enum err read_events(struct journal_conn *conn, struct claimed *rows, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct claimed row = rows[i];
        row.event = NULL;
        // Rows of one event often come together.
        if (kept > 0 && rows[kept - 1].event->seq == delivery_seq(row.delivery))
            row.event = event_ref(rows[kept - 1].event);
        enum err err = row.event != NULL
                           ? OK
                           : sqlite_settle_event(conn, delivery_seq(row.delivery), &row.event);
        if (err == OK) {
            rows[kept++] = row;
            continue;
        }
        if (err == ERR_NOT_FOUND || err == ERR_CORRUPT || err == ERR_VERSION)
            err = bury(conn, &row);
        if (err != OK) {
            unref_events(rows, kept);
            return err;
        }
    }
    *count = kept;
    return OK;
}

static void read_due(struct journal_conn *conn, struct claimed *out)
{
    struct row row = {0};
    struct sqlite_db *db = &conn->db;
    out->delivery = (uint64_t)sqlite_db_int(db, SQL_PENDING_DUE, 0);
    enum err err = row_unpack(sqlite_db_blob(db, SQL_PENDING_DUE, 2), out->delivery, &row);
    out->due_ms = sqlite_db_int(db, SQL_PENDING_DUE, 1);
    out->event = NULL;
    out->has_row = true;
    out->is_replay = row.is_replay;
    out->attempts = row.attempts;
    out->kills = row.kills;
    if (err != OK)
        log_line(LOG_ERROR, LOG_STORE_AREA,
                 "the row of delivery %llu is damaged: its attempts count from 0 again",
                 (unsigned long long)out->delivery);
}

// The rows themselves, oldest due first; those that are out already do not count.
static enum err collect_due(struct journal_conn *conn, struct claim *claim)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite_db_bind(sqlite_db_use(db, SQL_PENDING_DUE), 1, claim->webhook);
    while ((err = sqlite_db_next(db, SQL_PENDING_DUE)) == OK) {
        uint64_t id = (uint64_t)sqlite_db_int(db, SQL_PENDING_DUE, 0);
        int64_t due = sqlite_db_int(db, SQL_PENDING_DUE, 1);
        if (due == INT64_MAX)
            break;
        if (map_get(&conn->claimed, id) != NULL)
            continue;
        if (due > claim->now_ms || claim->count == claim->max) {
            claim->next_due_ms = due;
            break;
        }
        claim->rows[claim->count].webhook = claim->webhook;
        read_due(conn, &claim->rows[claim->count++]);
    }
    sqlite_db_reset(db, SQL_PENDING_DUE);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_claim_due(struct journal_conn *conn, struct claim *claim)
{
    struct claim found = *claim;
    found.count = 0;
    found.next_due_ms = INT64_MAX;
    enum err err = collect_due(conn, &found);
    if (err == OK)
        err = read_events(conn, found.rows, &found.count);
    if (err != OK)
        return err;
    if (failpoint_hit(FAILPOINT_STORE_CLAIM)) {
        unref_events(found.rows, found.count);
        return ERR_IO;
    }
    for (size_t i = 0; i < found.count; i++)
        (void)map_set(&conn->claimed, found.rows[i].delivery, conn);
    *claim = found;
    return OK;
}

enum err sqlite_claim_owed(struct journal_conn *conn, size_t max, struct claimed *out,
                           size_t *count)
{
    size_t found = 0;
    enum err err = OK;
    // Each round ends with something found, or with nothing owed: what is buried is disposed.
    while (found == 0) {
        while (found < max && mark_next(&conn->mark, &conn->owed_seq, &conn->owed_index)) {
            out[found++] = (struct claimed){
                .delivery = delivery_id(conn->owed_seq, conn->owed_index),
            };
            conn->owed_index++;
        }
        if (found == 0)
            break;
        err = read_events(conn, out, &found);
        if (err != OK)
            return err;
    }
    for (size_t i = 0; i < found; i++) {
        out[i].webhook = out[i].event->webhooks[delivery_index(out[i].delivery)];
        out[i].due_ms = out[i].event->accepted_ms;
    }
    *count = found;
    return OK;
}

static enum err collect(struct journal_conn *conn, uint32_t webhook, int64_t now_ms, size_t max,
                        struct settlement *out, size_t *count)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    *count = 0;
    sqlite_db_bind(sqlite_db_use(db, SQL_PENDING_OF_WEBHOOK), 1, webhook);
    while (*count < max && (err = sqlite_db_next(db, SQL_PENDING_OF_WEBHOOK)) == OK) {
        struct row row = {0};
        uint64_t id = (uint64_t)sqlite_db_int(db, SQL_PENDING_OF_WEBHOOK, 0);
        if (map_get(&conn->claimed, id) != NULL)
            continue;
        // A damaged record only loses the counts.
        (void)!row_unpack(sqlite_db_blob(db, SQL_PENDING_OF_WEBHOOK, 1), id, &row);
        out[(*count)++] = (struct settlement){
            .delivery = id,
            .webhook = webhook,
            .state = DELIVERY_CANCELLED,
            .outcome = OUTCOME_CANCELLED,
            .has_row = true,
            .is_replay = row.is_replay,
            .at_ms = now_ms,
            .attempts = row.attempts,
            .kills = row.kills,
            .reason = SPAN("its webhook was deactivated or removed"),
        };
    }
    sqlite_db_reset(db, SQL_PENDING_OF_WEBHOOK);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_claim_cancel(struct journal_conn *conn, uint32_t webhook, int64_t now_ms,
                             size_t max, size_t *cancelled)
{
    size_t done = 0;
    enum err err = OK;
    struct settlement *slice = xcalloc(SLICE, sizeof *slice);
    while (done < max && err == OK) {
        size_t count = 0;
        err =
            collect(conn, webhook, now_ms, max - done < SLICE ? max - done : SLICE, slice, &count);
        if (err == OK)
            err = sqlite_settle_all(conn, slice, count);
        if (err != OK || count == 0)
            break;
        done += count;
    }
    xfree(slice);
    if (err == OK)
        *cancelled = done;
    return err;
}

// ---- retry ----------------------------------------------------------------------------------------

// The delivery of an event to a webhook: in the event's list, or added later; else the next free
// place, with *is_new.
static enum err find_place(struct journal_conn *conn, const struct event *event, uint32_t webhook,
                           uint64_t *delivery, bool *is_new)
{
    static const enum sqlite_sql tables[] = {SQL_FINAL_RANGE, SQL_PENDING_RANGE};
    struct sqlite_db *db = &conn->db;
    uint32_t next = event->webhook_count;

    *is_new = false;
    for (uint32_t i = 0; i < event->webhook_count; i++) {
        if (event->webhooks[i] == webhook) {
            *delivery = delivery_id(event->seq, i);
            return OK;
        }
    }
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        enum err err = OK;
        sqlite3_stmt *statement = sqlite_db_use(db, tables[i]);
        sqlite_db_bind(statement, 1, (int64_t)delivery_id(event->seq, next));
        sqlite_db_bind(statement, 2, (int64_t)delivery_id(event->seq, 0xffff));
        while ((err = sqlite_db_next(db, tables[i])) == OK) {
            uint64_t id = (uint64_t)sqlite_db_int(db, tables[i], 0);
            if (delivery_index(id) >= next)
                next = delivery_index(id) + 1;
            if ((uint32_t)sqlite_db_int(db, tables[i], 1) != webhook)
                continue;
            *delivery = id;
            sqlite_db_reset(db, tables[i]);
            return OK;
        }
        if (err != ERR_NOT_FOUND)
            return err;
    }
    if (next >= DELIVERY_MAX_WEBHOOKS)
        return ERR_FULL;
    *delivery = delivery_id(event->seq, next);
    *is_new = true;
    return OK;
}

// What the waiting row knows goes on; ERR_CONFLICT: somebody has claimed it.
static enum err read_pending(struct journal_conn *conn, struct settlement *s)
{
    struct sqlite_db *db = &conn->db;
    struct row row = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_PENDING_GET), 1, (int64_t)s->delivery);
    enum err err = sqlite_db_row(db, SQL_PENDING_GET);
    if (err != OK)
        return err;
    s->webhook = (uint32_t)sqlite_db_int(db, SQL_PENDING_GET, 0);
    err = row_unpack(sqlite_db_blob(db, SQL_PENDING_GET, 2), s->delivery, &row);
    s->has_row = true;
    s->attempts = row.attempts;
    s->kills = row.kills;
    s->outcome = row.outcome;
    sqlite_db_reset(db, SQL_PENDING_GET);
    if (err == OK && map_get(&conn->claimed, s->delivery) != NULL)
        return ERR_CONFLICT;
    return err;
}

// What the settled row knows goes on in the pending one.
static enum err read_final(struct journal_conn *conn, struct settlement *s)
{
    struct sqlite_db *db = &conn->db;
    struct row row = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_FINAL_GET), 1, (int64_t)s->delivery);
    enum err err = sqlite_db_row(db, SQL_FINAL_GET);
    if (err != OK)
        return err;
    s->webhook = (uint32_t)sqlite_db_int(db, SQL_FINAL_GET, 0);
    // A damaged record only loses the counts.
    (void)!row_unpack(sqlite_db_blob(db, SQL_FINAL_GET, 2), s->delivery, &row);
    s->attempts = row.attempts;
    s->outcome = row.outcome;
    sqlite_db_reset(db, SQL_FINAL_GET);
    return OK;
}

static enum err retry_place(struct journal_conn *conn, struct settlement *s, uint32_t webhook,
                            bool *is_new)
{
    struct event *event = NULL;
    enum err err = sqlite_settle_event(conn, delivery_seq(s->delivery), &event);
    if (err == ERR_CORRUPT || err == ERR_VERSION) {
        log_line(LOG_ERROR, LOG_STORE_AREA, "event %llu is damaged: it cannot be sent again",
                 (unsigned long long)delivery_seq(s->delivery));
        return ERR_NOT_FOUND;
    }
    if (err != OK)
        return err;
    if (webhook != 0)
        err = find_place(conn, event, webhook, &s->delivery, is_new);
    event_unref(event);
    s->webhook = webhook;
    return err;
}

// The pending row that the delivery becomes. A failure other than those of struct redo is the store's.
static enum err make_again(struct journal_conn *conn, struct redo *redo, int64_t now_ms,
                           struct settlement *s)
{
    bool is_new = false;
    *s = (struct settlement){
        .delivery = redo->delivery,
        .state = DELIVERY_PENDING,
        .is_replay = true,
        .due_ms = now_ms,
        .at_ms = now_ms,
        .reason = SPAN("retried by an operator"),
    };
    enum err err = retry_place(conn, s, redo->webhook, &is_new);
    if (err != OK)
        return err;
    if (mark_is_owed(&conn->mark, delivery_seq(s->delivery), delivery_index(s->delivery)))
        return ERR_CONFLICT;
    err = read_pending(conn, s);
    if (err == ERR_NOT_FOUND)
        err = is_new ? OK : read_final(conn, s);
    return err;
}

static bool is_verdict(enum err err)
{
    return err == OK || err == ERR_NOT_FOUND || err == ERR_CONFLICT || err == ERR_FULL;
}

enum err sqlite_claim_retry(struct journal_conn *conn, struct redo *list, size_t count,
                            int64_t now_ms)
{
    struct settlement *rows = xcalloc(count + 1, sizeof *rows);
    size_t made = 0;
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        list[i].err = make_again(conn, &list[i], now_ms, &rows[made]);
        err = is_verdict(list[i].err) ? OK : list[i].err;
        if (list[i].err != OK)
            continue;
        list[i].delivery = rows[made].delivery;
        list[i].webhook = rows[made].webhook;
        list[i].was_waiting = rows[made].has_row;
        made++;
    }
    if (err == OK)
        err = sqlite_settle_all(conn, rows, made);
    xfree(rows);
    return err;
}
