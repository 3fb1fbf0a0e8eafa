// SPDX-License-Identifier: MIT
// Lists of deliveries: ordered streams, merged by id, filtered row by row; reader thread.
//
// A delivery may be in several streams: its pending row counts more than its final row, and either
// more than being owed (no row, but in the list of an event at or above the low-water mark).
#include "base/mem.h"
#include "store/sqlite_query.h"

#define STATE_BIT(state) (1u << (state))
#define WAITING \
    (STATE_BIT(DELIVERY_PENDING) | STATE_BIT(DELIVERY_CLAIMED) | STATE_BIT(DELIVERY_RUNNING))
// Of the time of a query, used up when a part of it ends early.
#define LIST_PERCENT 75
#define OWED_PERCENT 50
#define ROOM_BYTES   ((size_t)16 << 10) // left in the arena before a row is added

// The order is the one in which they count.
enum stream { STREAM_PENDING, STREAM_FINAL, STREAM_HINTS, STREAM_OWED, STREAM_COUNT };

struct walk {
    struct query_conn *conn;
    const struct query_filter *filter;
    bool up;
    uint64_t low, high; // ids, exclusive
    bool is_on[STREAM_COUNT];
    uint64_t id[STREAM_COUNT]; // where it stands; 0: over
    enum sqlite_sql sql[STREAM_COUNT];
    struct sqlite_hints *hints; // owned
    struct event *owed_event;   // one reference: where STREAM_OWED is
    uint32_t owed_index;
    bool is_owed_cut;    // its stream ends early, its id says where
    struct event *event; // one reference: of the row that was looked at last
    size_t scanned;
};

static bool wants(const struct walk *walk, uint32_t states)
{
    return walk->filter->states == 0 || (walk->filter->states & states) != 0;
}

// ---- streams ------------------------------------------------------------------------------------

static enum err advance_sql(struct walk *walk, enum stream which)
{
    enum err err = sqlite_db_next(&walk->conn->db, walk->sql[which]);
    walk->id[which] = 0;
    if (err == OK)
        walk->id[which] = (uint64_t)sqlite_db_int(&walk->conn->db, walk->sql[which], 0);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err advance_hints(struct walk *walk)
{
    struct sqlite_hints *hints = walk->hints;
    if (hints->at == hints->count && hints->has_more && hints->count > 0) {
        uint64_t last = hints->ids[hints->count - 1];
        const uint64_t between[2] = {walk->up ? last : walk->low, walk->up ? walk->high : last};
        enum err err = sqlite_hints_read(walk->conn, walk->filter->webhook, walk->filter->states,
                                         between, walk->up, hints);
        if (err != OK)
            return err;
    }
    walk->id[STREAM_HINTS] = hints->at < hints->count ? hints->ids[hints->at++] : 0;
    return OK;
}

// The next place of the event that fits the webhook and the bounds; 0: none is left in it.
static uint64_t next_place(struct walk *walk)
{
    const struct event *event = walk->owed_event;
    while (event != NULL && walk->owed_index < event->webhook_count) {
        uint32_t i = walk->owed_index++;
        if (!walk->up)
            i = event->webhook_count - 1 - i;
        uint64_t id = delivery_id(event->seq, i);
        if (id > walk->low && id < walk->high &&
            (walk->filter->webhook == 0 || event->webhooks[i] == walk->filter->webhook))
            return id;
    }
    return 0;
}

// Under load a hundred thousand events may lie above the low-water mark, and few of them owe this
// webhook anything: the walk must not use up the time of the other streams.
static bool cut_owed(struct walk *walk, uint64_t seq)
{
    if (!sqlite_query_is_late(walk->conn, OWED_PERCENT))
        return false;
    walk->is_owed_cut = true;
    walk->id[STREAM_OWED] = delivery_id(seq, walk->up ? 0xffff : 0);
    return true;
}

static enum err advance_owed(struct walk *walk)
{
    uint64_t seq = 0;
    struct sqlite_db *db = &walk->conn->db;
    enum sqlite_sql sql = walk->sql[STREAM_OWED];
    while ((walk->id[STREAM_OWED] = next_place(walk)) == 0) {
        event_unref(walk->owed_event);
        walk->owed_event = NULL;
        walk->owed_index = 0;
        if (seq != 0 && cut_owed(walk, seq))
            return OK;
        enum err err = sqlite_db_next(db, sql);
        if (err != OK)
            return err == ERR_NOT_FOUND ? OK : err;
        // One that cannot be read owes nothing.
        seq = (uint64_t)sqlite_db_int(db, sql, 0);
        if (seal_open_event(seq, sqlite_db_blob(db, sql, 1), &walk->owed_event) != OK)
            walk->owed_event = NULL;
    }
    return OK;
}

static enum err advance(struct walk *walk, enum stream which)
{
    switch (which) {
    case STREAM_PENDING:
    case STREAM_FINAL: return advance_sql(walk, which);
    case STREAM_HINTS: return advance_hints(walk);
    case STREAM_OWED: return advance_owed(walk);
    case STREAM_COUNT: break;
    }
    CHECK(!"no such stream");
    return OK;
}

static void start_sql(struct walk *walk, enum stream which, enum sqlite_sql down, int64_t third)
{
    enum sqlite_sql sql = walk->up ? down + 1 : down; // *_UP follows *_DOWN in the table
    sqlite3_stmt *statement = sqlite_db_use(&walk->conn->db, sql);
    sqlite_db_bind(statement, 1, (int64_t)walk->low);
    sqlite_db_bind(statement, 2, (int64_t)walk->high);
    if (third != 0)
        sqlite_db_bind(statement, 3, third);
    walk->sql[which] = sql;
    walk->is_on[which] = true;
}

static enum err start_owed(struct walk *walk)
{
    int64_t low_water = 0;
    enum err err = sqlite_db_meta(&walk->conn->db, "low_water", 1, &low_water);
    if (err != OK)
        return err;
    enum sqlite_sql sql = walk->up ? SQL_LIST_OWED_UP : SQL_LIST_OWED_DOWN;
    uint64_t first = delivery_seq(walk->low + 1);
    if (first < (uint64_t)low_water)
        first = (uint64_t)low_water;
    sqlite3_stmt *statement = sqlite_db_use(&walk->conn->db, sql);
    sqlite_db_bind(statement, 1, (int64_t)first - 1);
    sqlite_db_bind(statement, 2, (int64_t)delivery_seq(walk->high - 1) + 1);
    walk->sql[STREAM_OWED] = sql;
    walk->is_on[STREAM_OWED] = true;
    return OK;
}

static enum err start_hints(struct walk *walk)
{
    const uint64_t between[2] = {walk->low, walk->high};
    walk->hints = xcalloc(1, sizeof *walk->hints);
    walk->is_on[STREAM_HINTS] = true;
    return sqlite_hints_read(walk->conn, walk->filter->webhook, walk->filter->states, between,
                             walk->up, walk->hints);
}

static enum err start_final(struct walk *walk)
{
    const struct query_filter *filter = walk->filter;
    // One event's rows lie together: no list per webhook is needed.
    if (filter->webhook != 0 && filter->seq == 0) {
        start_sql(walk, STREAM_FINAL, SQL_LIST_KEPT_WEBHOOK_DOWN, filter->webhook);
        return start_hints(walk);
    }
    if (wants(walk, STATE_BIT(DELIVERY_DELIVERED)) || filter->seq != 0)
        start_sql(walk, STREAM_FINAL, SQL_LIST_FINAL_DOWN, 0);
    else
        start_sql(walk, STREAM_FINAL, SQL_LIST_UNDELIVERED_DOWN, filter->states);
    return OK;
}

static enum err start(struct walk *walk)
{
    const struct query_filter *filter = walk->filter;
    enum err err = OK;
    if (wants(walk, ~WAITING))
        err = start_final(walk);
    if (err == OK && wants(walk, WAITING)) {
        if (filter->webhook != 0)
            start_sql(walk, STREAM_PENDING, SQL_LIST_PENDING_WEBHOOK_DOWN, filter->webhook);
        else
            start_sql(walk, STREAM_PENDING, SQL_LIST_PENDING_DOWN, 0);
        err = start_owed(walk);
    }
    for (enum stream i = 0; i < STREAM_COUNT && err == OK; i++) {
        if (walk->is_on[i])
            err = advance(walk, i);
    }
    return err;
}

static void stop(struct walk *walk)
{
    for (enum stream i = 0; i < STREAM_COUNT; i++) {
        if (walk->is_on[i] && i != STREAM_HINTS)
            sqlite_db_reset(&walk->conn->db, walk->sql[i]);
    }
    event_unref(walk->owed_event);
    event_unref(walk->event);
    xfree(walk->hints);
}

static bool pick(const struct walk *walk, enum stream *which)
{
    uint64_t best = 0;
    for (enum stream i = 0; i < STREAM_COUNT; i++) {
        if (walk->id[i] == 0)
            continue;
        if (best == 0 || (walk->up ? walk->id[i] < best : walk->id[i] > best)) {
            best = walk->id[i];
            *which = i;
        }
    }
    return best != 0;
}

static enum err pass(struct walk *walk, uint64_t id)
{
    for (enum stream i = 0; i < STREAM_COUNT; i++) {
        while (walk->id[i] == id && !(i == STREAM_OWED && walk->is_owed_cut)) {
            enum err err = advance(walk, i);
            if (err != OK)
                return err;
        }
    }
    return OK;
}

// ---- rows -----------------------------------------------------------------------------------------

static enum err load_event(struct walk *walk, uint64_t seq)
{
    if (walk->event != NULL && walk->event->seq == seq)
        return OK;
    event_unref(walk->event);
    walk->event = NULL;
    if (walk->owed_event != NULL && walk->owed_event->seq == seq) {
        walk->event = event_ref(walk->owed_event);
        return OK;
    }
    return sqlite_query_event(walk->conn, seq, &walk->event);
}

// The columns of a stream's row: id, webhook, state, due, record.
static enum err take_columns(struct walk *walk, enum sqlite_sql sql, int at,
                             struct query_delivery *out, struct row *row)
{
    struct sqlite_db *db = &walk->conn->db;
    out->has_row = true;
    out->webhook = (uint32_t)sqlite_db_int(db, sql, at);
    out->state = (enum delivery_state)sqlite_db_int(db, sql, at + 1);
    int last = sqlite3_column_count(db->statements[sql]) - 1;
    return row_unpack(sqlite_db_blob(db, sql, last), out->id, row);
}

// ERR_NOT_FOUND: it does not belong here after all.
static enum err read_row(struct walk *walk, enum stream which, struct query_delivery *out,
                         struct row *row)
{
    struct query_conn *conn = walk->conn;
    enum err err = OK;
    switch (which) {
    case STREAM_PENDING:
        out->due_ms = sqlite_db_int(&conn->db, walk->sql[which], 3);
        if (out->due_ms == INT64_MAX)
            out->due_ms = 0;
        return take_columns(walk, walk->sql[which], 1, out, row);
    case STREAM_FINAL: return take_columns(walk, walk->sql[which], 1, out, row);
    case STREAM_HINTS:
        sqlite_db_bind(sqlite_db_use(&conn->db, SQL_FINAL_GET), 1, (int64_t)out->id);
        err = sqlite_db_row(&conn->db, SQL_FINAL_GET);
        return err == OK ? take_columns(walk, SQL_FINAL_GET, 0, out, row) : err;
    case STREAM_OWED:
        out->webhook = walk->owed_event->webhooks[delivery_index(out->id)];
        out->state = DELIVERY_PENDING;
        err = sqlite_query_has(conn, SQL_FINAL_GET, out->id);
        return err == OK ? ERR_NOT_FOUND : err == ERR_NOT_FOUND ? OK : err;
    case STREAM_COUNT: break;
    }
    CHECK(!"no such stream");
    return OK;
}

static bool row_fits(const struct walk *walk, const struct query_delivery *out,
                     const struct row *row)
{
    const struct query_filter *filter = walk->filter;
    uint32_t bit = out->state == DELIVERY_PENDING ? WAITING : STATE_BIT(out->state);
    return wants(walk, bit) && (filter->webhook == 0 || out->webhook == filter->webhook) &&
           (filter->outcome == OUTCOME_NONE || row->outcome == filter->outcome);
}

static enum err check_status(struct walk *walk, uint64_t id)
{
    int status = 0;
    if (walk->filter->status == 0)
        return OK;
    enum err err = sqlite_attempts_status(walk->conn, id, &status);
    return err == OK && status != walk->filter->status ? ERR_NOT_FOUND : err;
}

static enum err check_pending(struct walk *walk, uint64_t id)
{
    enum err err = sqlite_query_has(walk->conn, SQL_PENDING_GET, id);
    return err == OK ? ERR_NOT_FOUND : err == ERR_NOT_FOUND ? OK : err;
}

// Everything but the attempts and the event. ERR_NOT_FOUND: it does not fit the filter.
static enum err examine(struct walk *walk, enum stream which, struct query_delivery *out)
{
    struct row row = {0};
    enum err err = read_row(walk, which, out, &row);
    if (err == ERR_CORRUPT || err == ERR_VERSION)
        err = OK; // shown with what is known
    if (err == OK && !row_fits(walk, out, &row))
        err = ERR_NOT_FOUND;
    // Waiting again: it is listed as that, or not at all.
    if (err == OK && which != STREAM_PENDING)
        err = check_pending(walk, out->id);
    if (err == OK)
        err = load_event(walk, delivery_seq(out->id));
    if (err == OK && !sqlite_events_fit(walk->event, walk->filter))
        err = ERR_NOT_FOUND;
    if (err == OK) {
        out->outcome = row.outcome;
        out->is_replay = row.is_replay;
        out->reason = arena_copy(walk->filter->arena, row.reason);
        out->settled_ms = out->state == DELIVERY_PENDING ? 0 : row.at_ms;
    }
    if (which == STREAM_HINTS)
        sqlite_db_reset(&walk->conn->db, SQL_FINAL_GET);
    return err == OK ? check_status(walk, out->id) : err;
}

// The arena is full, or the page: the rest is for the next one.
static enum err end_early(struct query_deliveries *out)
{
    if (out->count == 0)
        return out->scanned_to != 0 ? OK : ERR_FULL;
    out->has_more = true;
    out->scanned_to = 0;
    return OK;
}

static enum err collect_one(struct walk *walk, enum stream which, struct query_deliveries *out)
{
    struct query_delivery row = {.id = walk->id[which]};
    struct arena *arena = walk->filter->arena;
    if (arena->max - arena->used < ROOM_BYTES)
        return ERR_FULL;
    enum err err = examine(walk, which, &row);
    if (err == OK && out->count == walk->filter->limit)
        err = ERR_FULL;
    if (err == OK)
        err = sqlite_attempts_read(walk->conn, arena, &row);
    if (err == OK) {
        row.event = event_ref(walk->event);
        out->rows[out->count++] = row;
    }
    return err == ERR_NOT_FOUND || err == ERR_CORRUPT ? OK : err;
}

static enum err collect(struct walk *walk, struct query_deliveries *out)
{
    enum stream which = STREAM_COUNT;
    while (pick(walk, &which)) {
        uint64_t id = walk->id[which];
        // One row at least: who asks again from there gets on, however cold the disk.
        if (out->scanned_to != 0 &&
            (walk->scanned >= QUERY_MAX_SCAN || sqlite_query_is_late(walk->conn, LIST_PERCENT)))
            return OK;
        walk->scanned++;
        if (which == STREAM_OWED && walk->is_owed_cut) {
            out->scanned_to = id;
            return OK;
        }
        enum err err = collect_one(walk, which, out);
        if (err == ERR_FULL)
            return end_early(out);
        out->scanned_to = id;
        if (err == OK)
            err = pass(walk, id);
        if (err != OK)
            return err;
    }
    out->scanned_to = 0;
    return OK;
}

// ---- the page --------------------------------------------------------------------------------------

static uint64_t at_most(uint64_t value)
{
    return value < INT64_MAX ? value : INT64_MAX;
}

static enum err set_bounds(struct walk *walk)
{
    const struct query_filter *filter = walk->filter;
    uint64_t low = 0;
    uint64_t high = (uint64_t)INT64_MAX >> 16;
    if (filter->since_ms != 0 || filter->until_ms != 0) {
        enum err err = sqlite_events_bounds(walk->conn, filter, &low, &high);
        if (err != OK)
            return err;
    }
    walk->up = filter->after != 0 || filter->is_from_oldest;
    walk->low = low > 0 ? delivery_id(low, 0xffff) : 0;
    walk->high = delivery_id(high, 0);
    if (filter->seq != 0) {
        uint64_t seq = at_most(filter->seq) & ((UINT64_C(1) << 47) - 1);
        uint64_t first = delivery_id(seq, 0);
        walk->low = first - 1 > walk->low ? first - 1 : walk->low;
        walk->high = first + 0x10000 < walk->high ? first + 0x10000 : walk->high;
    }
    if (filter->before != 0 && filter->before < walk->high)
        walk->high = filter->before;
    if (filter->after > walk->low)
        walk->low = at_most(filter->after);
    if (walk->high <= walk->low)
        walk->high = walk->low + 1;
    return OK;
}

static void reverse(struct query_deliveries *out)
{
    for (size_t i = 0; i < out->count / 2; i++) {
        struct query_delivery row = out->rows[i];
        out->rows[i] = out->rows[out->count - 1 - i];
        out->rows[out->count - 1 - i] = row;
    }
}

enum err sqlite_list_deliveries(struct query_conn *conn, const struct query_filter *filter,
                                struct query_deliveries *out)
{
    struct walk walk = {.conn = conn, .filter = filter};
    struct query_deliveries page = {0};
    CHECK(filter->limit > 0 && filter->limit <= QUERY_MAX_LIMIT);
    page.rows = arena_zalloc(filter->arena, filter->limit * sizeof *page.rows);
    enum err err = set_bounds(&walk);
    if (err == OK)
        err = start(&walk);
    if (err == OK)
        err = collect(&walk, &page);
    stop(&walk);
    if (err != OK) {
        query_deliveries_deinit(&page);
        return err;
    }
    if (walk.up)
        reverse(&page);
    *out = page;
    return OK;
}
