// SPDX-License-Identifier: MIT
// What the parts of the SQLite backend's queries share; reader thread only.
#pragma once

#include "base/arena.h"
#include "store/backend.h"
#include "store/row.h"
#include "store/seal.h"
#include "store/sqlite_db.h"
#include "store/sqlite_vault.h"

#define SQLITE_QUERY_MAGIC 0x53514c51u
struct query_conn {
    uint32_t magic;
    struct sqlite_db db;
    int64_t budget_ms;        // of a call
    int64_t deadline_mono_ms; // of the call under way
    struct sqlite_vault vault;
    struct arena scratch; // for looking at what may not be answered
};

// ---- sqlite_query.c ----
// One snapshot per call; end it with what became of the call.
MUST_CHECK enum err sqlite_query_begin(struct query_conn *conn);
MUST_CHECK enum err sqlite_query_end(struct query_conn *conn, enum err err);
// So many percent of the time are used up: a list ends here, with a short page.
bool sqlite_query_is_late(const struct query_conn *conn, int percent);
MUST_CHECK enum err sqlite_query_event(struct query_conn *conn, uint64_t seq, struct event **out);
// OK, ERR_NOT_FOUND.
MUST_CHECK enum err sqlite_query_has(struct query_conn *conn, enum sqlite_sql which, uint64_t id);

// ---- sqlite_attempts.c ----
// All attempts of a delivery, oldest first; `last`: the record in its final row, number `last_number`.
// ERR_FULL: the arena cannot take them.
MUST_CHECK enum err sqlite_attempts_read(struct query_conn *conn, struct arena *arena,
                                         struct query_delivery *out);
// The status of the last attempt; 0: none.
MUST_CHECK enum err sqlite_attempts_status(struct query_conn *conn, uint64_t id, int *status);

// ---- sqlite_list.c ----
MUST_CHECK enum err sqlite_list_deliveries(struct query_conn *conn,
                                           const struct query_filter *filter,
                                           struct query_deliveries *out);

// ---- sqlite_events.c ----
MUST_CHECK enum err sqlite_events_list(struct query_conn *conn, const struct query_filter *filter,
                                       struct query_events *out);
bool sqlite_events_fit(const struct event *event, const struct query_filter *filter);
// Where accepted times between since and until lie, as bounds of seq, exclusive; narrows them.
MUST_CHECK enum err sqlite_events_bounds(struct query_conn *conn, const struct query_filter *filter,
                                         uint64_t *low, uint64_t *high);

// ---- sqlite_hints.c: ids of a webhook's settled deliveries, from runs and their tail ----
#define SQLITE_HINTS_PAGE 256
struct sqlite_hints {
    uint64_t ids[SQLITE_HINTS_PAGE]; // in the order of the list
    size_t count, at;
    bool has_more; // beyond the last one
};
// The next page between two ids, exclusive; `states`: bits, 0 for all.
MUST_CHECK enum err sqlite_hints_read(struct query_conn *conn, uint32_t webhook, uint32_t states,
                                      const uint64_t between[2], bool up, struct sqlite_hints *out);
