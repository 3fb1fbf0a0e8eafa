// SPDX-License-Identifier: MIT
// Lists of events, and where a time lies among them; reader thread.
#include "store/sqlite_query.h"

#define MARGIN_MS (3600 * 1000) // that the wall clock may have jumped

bool sqlite_events_fit(const struct event *event, const struct query_filter *filter)
{
    return (filter->tenant.len == 0 || span_eq(event->tenant, filter->tenant)) &&
           (filter->event_name.len == 0 || span_eq(event->name, filter->event_name)) &&
           (filter->since_ms == 0 || event->accepted_ms >= filter->since_ms) &&
           (filter->until_ms == 0 || event->accepted_ms < filter->until_ms);
}

// The first event that was accepted at `at_ms` or later; `last` + 1 when there is none. Times grow
// with numbers, but for jumps of the clock: whoever asks leaves a margin.
static enum err search_time(struct query_conn *conn, int64_t at_ms, uint64_t first, uint64_t last,
                            uint64_t *out)
{
    struct sqlite_db *db = &conn->db;
    uint64_t high = last + 1;
    while (first < high) {
        uint64_t middle = first + (high - first) / 2;
        struct event *event = NULL;
        sqlite_db_bind(sqlite_db_use(db, SQL_EVENT_NEXT), 1, (int64_t)middle);
        enum err err = sqlite_db_row(db, SQL_EVENT_NEXT);
        if (err != OK)
            return err;
        uint64_t seq = (uint64_t)sqlite_db_int(db, SQL_EVENT_NEXT, 0);
        err = seal_open_event(seq, sqlite_db_blob(db, SQL_EVENT_NEXT, 1), &event);
        sqlite_db_reset(db, SQL_EVENT_NEXT);
        bool is_earlier = err != OK || event->accepted_ms < at_ms;
        event_unref(event);
        if (is_earlier)
            first = seq + 1;
        else
            high = middle;
    }
    *out = high;
    return OK;
}

enum err sqlite_events_bounds(struct query_conn *conn, const struct query_filter *filter,
                              uint64_t *low, uint64_t *high)
{
    struct sqlite_db *db = &conn->db;
    uint64_t seq = 0;
    sqlite_db_use(db, SQL_EVENT_ENDS);
    enum err err = sqlite_db_row(db, SQL_EVENT_ENDS);
    if (err != OK)
        return err;
    uint64_t first = (uint64_t)sqlite_db_int(db, SQL_EVENT_ENDS, 0);
    uint64_t last = (uint64_t)sqlite_db_int(db, SQL_EVENT_ENDS, 1);
    sqlite_db_reset(db, SQL_EVENT_ENDS);
    if (first == 0) // all there are were kept from pruning
        return OK;
    if (filter->since_ms != 0) {
        err = search_time(conn, filter->since_ms - MARGIN_MS, first, last, &seq);
        if (err == OK && seq > first && seq - 1 > *low)
            *low = seq - 1; // the kept ones lie below the first
    }
    if (err == OK && filter->until_ms != 0) {
        err = search_time(conn, filter->until_ms + MARGIN_MS, first, last, &seq);
        if (err == OK && seq < *high)
            *high = seq;
    }
    return err;
}

static enum err collect_events(struct query_conn *conn, const struct query_filter *filter,
                               enum sqlite_sql sql, struct query_events *out)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    size_t scanned = 0;
    while ((err = sqlite_db_next(db, sql)) == OK) {
        struct event *event = NULL;
        uint64_t seq = (uint64_t)sqlite_db_int(db, sql, 0);
        if (out->scanned_to != 0 && (scanned >= QUERY_MAX_SCAN || sqlite_query_is_late(conn, 75)))
            return OK;
        scanned++;
        err = seal_open_event(seq, sqlite_db_blob(db, sql, 1), &event);
        if (err == OK && sqlite_events_fit(event, filter)) {
            if (out->count == filter->limit) {
                event_unref(event);
                out->has_more = true;
                break;
            }
            out->rows[out->count++] = event;
        } else {
            event_unref(event);
        }
        out->scanned_to = seq;
    }
    out->scanned_to = 0;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_events_list(struct query_conn *conn, const struct query_filter *filter,
                            struct query_events *out)
{
    struct query_events page = {0};
    uint64_t low = 0;
    uint64_t high = INT64_MAX;
    enum err err = OK;
    CHECK(filter->limit > 0 && filter->limit <= QUERY_MAX_LIMIT);
    page.rows = arena_zalloc(filter->arena, filter->limit * sizeof(struct event *));
    if (filter->since_ms != 0 || filter->until_ms != 0)
        err = sqlite_events_bounds(conn, filter, &low, &high);
    if (err != OK)
        return err;
    if (filter->before != 0 && filter->before < high)
        high = filter->before;
    if (filter->after > low)
        low = filter->after < INT64_MAX ? filter->after : INT64_MAX;
    bool up = filter->after != 0 || filter->is_from_oldest;
    enum sqlite_sql sql = up ? SQL_LIST_EVENTS_UP : SQL_LIST_EVENTS_DOWN;
    sqlite3_stmt *statement = sqlite_db_use(&conn->db, sql);
    sqlite_db_bind(statement, 1, (int64_t)low);
    sqlite_db_bind(statement, 2, (int64_t)high);
    err = collect_events(conn, filter, sql, &page);
    sqlite_db_reset(&conn->db, sql);
    if (err != OK) {
        query_events_deinit(&page);
        return err;
    }
    for (size_t i = 0; up && i < page.count / 2; i++) {
        struct event *event = page.rows[i];
        page.rows[i] = page.rows[page.count - 1 - i];
        page.rows[page.count - 1 - i] = event;
    }
    *out = page;
    return OK;
}
