// SPDX-License-Identifier: MIT
// Retention: whole ranges of events go with their rows; what must stay moves aside first; store
// thread.
//
// Events below conn->floor are gone, or kept: a row that is written for one of those later goes to
// kept_deliveries, so that the ranges stay clean.
#include "base/clock.h"
#include "base/failpoint.h"
#include "store/sqlite.h"

#define LAST_INDEX 0xffff

struct slice {
    int64_t events_before_ms, dead_before_ms;
    uint64_t gap; // first seq of the range whose attempts are not deleted yet
    size_t count; // events looked at
    bool is_full; // stopped at the maximum, not at the end
};

static enum err run_range(struct sqlite_db *db, enum sqlite_sql which, uint64_t first,
                          uint64_t last)
{
    sqlite3_stmt *statement = sqlite_db_use(db, which);
    sqlite_db_bind(statement, 1, (int64_t)first);
    sqlite_db_bind(statement, 2, (int64_t)last);
    return sqlite_db_run(db, which);
}

static enum err delete_deliveries(struct sqlite_db *db, enum sqlite_sql which, uint64_t first_seq,
                                  uint64_t last_seq)
{
    return run_range(db, which, delivery_id(first_seq, 0), delivery_id(last_seq, LAST_INDEX));
}

static enum err any_pending(struct sqlite_db *db, uint64_t seq, bool *out)
{
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_PRUNE_ANY_PENDING);
    sqlite_db_bind(statement, 1, (int64_t)delivery_id(seq, 0));
    sqlite_db_bind(statement, 2, (int64_t)delivery_id(seq, LAST_INDEX));
    enum err err = sqlite_db_row(db, SQL_PRUNE_ANY_PENDING);
    sqlite_db_reset(db, SQL_PRUNE_ANY_PENDING);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *out = err == OK;
    return OK;
}

// Must the event stay? While something waits, and until each outcome is old enough for its kind.
static enum err must_stay(struct sqlite_db *db, uint64_t seq, const struct slice *slice, bool *out)
{
    enum err err = any_pending(db, seq, out);
    if (err != OK || *out)
        return err;
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_FINAL_RANGE);
    sqlite_db_bind(statement, 1, (int64_t)delivery_id(seq, 0));
    sqlite_db_bind(statement, 2, (int64_t)delivery_id(seq, LAST_INDEX));
    while (!*out && (err = sqlite_db_next(db, SQL_FINAL_RANGE)) == OK) {
        struct row row = {0};
        uint64_t id = (uint64_t)sqlite_db_int(db, SQL_FINAL_RANGE, 0);
        bool is_dead = sqlite_db_int(db, SQL_FINAL_RANGE, 2) == DELIVERY_DEAD;
        int64_t before = is_dead ? slice->dead_before_ms : slice->events_before_ms;
        // A damaged record has no time: it need not stay.
        *out = row_unpack(sqlite_db_blob(db, SQL_FINAL_RANGE, 3), id, &row) == OK &&
               row.at_ms >= before;
    }
    sqlite_db_reset(db, SQL_FINAL_RANGE);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err keep(struct sqlite_db *db, uint64_t seq, struct slice *slice)
{
    sqlite_db_bind(sqlite_db_use(db, SQL_KEEP_EVENT), 1, (int64_t)seq);
    enum err err = sqlite_db_run(db, SQL_KEEP_EVENT);
    if (err == OK)
        err = delete_deliveries(db, SQL_KEEP_FINAL, seq, seq);
    // Its attempts stay where they are.
    if (err == OK && slice->gap < seq)
        err = delete_deliveries(db, SQL_PRUNE_ATTEMPT_RANGE, slice->gap, seq - 1);
    slice->gap = seq + 1;
    return err;
}

// An event that cannot be read has no time either: it goes with its neighbours.
static bool is_young(struct span record, uint64_t seq, const struct slice *slice)
{
    struct event *event = NULL;
    if (seal_open_event(seq, record, &event) != OK)
        return false;
    bool is = event->accepted_ms >= slice->events_before_ms;
    event_unref(event);
    return is;
}

// Walks events from the floor on; *end: the first that stays in place.
static enum err walk_events(struct journal_conn *conn, struct slice *slice, size_t max,
                            uint64_t *end)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_PRUNE_EVENTS);
    sqlite_db_bind(statement, 1, (int64_t)conn->floor);
    sqlite_db_bind(statement, 2, (int64_t)mark_low(&conn->mark));
    while (slice->count < max && (err = sqlite_db_next(db, SQL_PRUNE_EVENTS)) == OK) {
        bool stays = false;
        uint64_t seq = (uint64_t)sqlite_db_int(db, SQL_PRUNE_EVENTS, 0);
        if (is_young(sqlite_db_blob(db, SQL_PRUNE_EVENTS, 1), seq, slice))
            break;
        err = must_stay(db, seq, slice, &stays);
        if (err == OK && stays)
            err = keep(db, seq, slice);
        if (err != OK)
            break;
        *end = seq + 1;
        slice->count++;
    }
    sqlite_db_reset(db, SQL_PRUNE_EVENTS);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err prune_events(struct journal_conn *conn, struct slice *slice, size_t max,
                             uint64_t *floor)
{
    struct sqlite_db *db = &conn->db;
    uint64_t end = conn->floor;
    slice->gap = conn->floor;
    enum err err = walk_events(conn, slice, max, &end);
    if (err != OK || slice->count == 0)
        return err;
    err = run_range(db, SQL_PRUNE_EVENT_RANGE, conn->floor, end - 1);
    if (err == OK)
        err = delete_deliveries(db, SQL_PRUNE_FINAL_RANGE, conn->floor, end - 1);
    if (err == OK && slice->gap < end)
        err = delete_deliveries(db, SQL_PRUNE_ATTEMPT_RANGE, slice->gap, end - 1);
    if (err == OK)
        err = sqlite_db_set_meta(db, "prune_floor", (int64_t)end);
    *floor = end;
    return err;
}

static enum err drop_kept(struct sqlite_db *db, uint64_t seq)
{
    sqlite_db_bind(sqlite_db_use(db, SQL_PRUNE_KEPT_EVENT), 1, (int64_t)seq);
    enum err err = sqlite_db_run(db, SQL_PRUNE_KEPT_EVENT);
    if (err == OK)
        err = delete_deliveries(db, SQL_PRUNE_KEPT_FINAL, seq, seq);
    return err == OK ? delete_deliveries(db, SQL_PRUNE_ATTEMPT_RANGE, seq, seq) : err;
}

// Walks the kept ones from where the last slice stopped. A whole round ends with the cursor at 0.
static enum err prune_kept(struct journal_conn *conn, struct slice *slice, size_t max,
                           uint64_t *cursor)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    size_t seen = 0;
    sqlite_db_bind(sqlite_db_use(db, SQL_PRUNE_KEPT), 1, (int64_t)conn->kept_cursor);
    while (seen < max && (err = sqlite_db_next(db, SQL_PRUNE_KEPT)) == OK) {
        bool stays = false;
        uint64_t seq = (uint64_t)sqlite_db_int(db, SQL_PRUNE_KEPT, 0);
        if (!is_young(sqlite_db_blob(db, SQL_PRUNE_KEPT, 1), seq, slice))
            err = must_stay(db, seq, slice, &stays);
        else
            stays = true;
        if (err == OK && !stays) {
            err = drop_kept(db, seq);
            slice->count++;
        }
        if (err != OK)
            break;
        *cursor = seq + 1;
        seen++;
    }
    sqlite_db_reset(db, SQL_PRUNE_KEPT);
    if (err == ERR_NOT_FOUND) {
        *cursor = 0;
        err = OK;
    }
    slice->is_full = *cursor != 0;
    return err;
}

// Runs whose hints all lie below the floor: rows that were kept have an index of their own.
static enum err prune_runs(struct journal_conn *conn, uint64_t floor, uint64_t *dropped)
{
    struct sqlite_db *db = &conn->db;
    sqlite_db_bind(sqlite_db_use(db, SQL_PRUNE_RUN_LISTS), 1, (int64_t)delivery_id(floor, 0));
    enum err err = sqlite_db_run(db, SQL_PRUNE_RUN_LISTS);
    if (err != OK)
        return err;
    sqlite_db_bind(sqlite_db_use(db, SQL_PRUNE_RUNS), 1, (int64_t)delivery_id(floor, 0));
    err = sqlite_db_run(db, SQL_PRUNE_RUNS);
    *dropped = (uint64_t)sqlite3_changes(db->handle);
    return err;
}

// A key is remembered for its window: the event that carries it must stay that long.
static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

enum err sqlite_prune_slice(struct journal_conn *conn, int64_t events_before_ms,
                            int64_t dead_before_ms, size_t max, size_t *count)
{
    struct slice slice = {
        .events_before_ms = earlier(events_before_ms, clock_wall_ms() - conn->window_ms),
        .dead_before_ms = dead_before_ms,
    };
    uint64_t floor = conn->floor;
    uint64_t cursor = conn->kept_cursor;
    uint64_t runs = 0;
    enum err err = sqlite_txn_begin(conn);
    if (err != OK)
        return err;
    err = prune_events(conn, &slice, max, &floor);
    if (err == OK && slice.count < max)
        err = prune_kept(conn, &slice, max - slice.count, &cursor);
    if (err == OK && floor != conn->floor)
        err = prune_runs(conn, floor, &runs);
    if (err == OK && failpoint_hit(FAILPOINT_STORE_PRUNE))
        err = ERR_IO;
    err = sqlite_txn_end(conn, err);
    if (err != OK)
        return err;
    conn->floor = floor;
    conn->kept_cursor = cursor;
    conn->runs.runs -= runs < conn->runs.runs ? runs : conn->runs.runs;
    // A round of the kept ones that is not over is work left to do.
    *count = slice.count == 0 && slice.is_full ? 1 : slice.count;
    return OK;
}
