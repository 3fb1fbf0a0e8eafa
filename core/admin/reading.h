// SPDX-License-Identifier: MIT
// Reading from the store for a call: filters from the query, a round to the reader thread, cursors;
// main only.
#pragma once

#include "admin/api.h"
#include "crypto/eventid.h"

struct reading {
    struct store_read op;
    struct api_call *call;
    enum err err;
    struct api_page page;
    struct query_filter filter;
    struct uid uid;      // what was asked for
    uint64_t seq;        // event, or
    uint64_t delivery;   // delivery
    struct event *event; // one reference
    struct query_events events;
    struct query_deliveries deliveries;
    struct query_delivery row;
    bool has_row;
    void (*on_row)(struct api_call *call, const struct query_delivery *row);
    struct arena arena;                 // results; reader thread until it is done
    void (*on_done)(struct reading *r); // must end the call; frees nothing of r
    void *context;
};

typedef bool reading_open_fn(const struct eventid_key *key, const struct uid *id, uint64_t *number);

struct reading *reading_new(struct api_call *call);
void reading_free(struct reading *r);
// limit and cursor; `open` turns the cursor's id into a number. False: the call has been refused.
bool reading_read_page(struct reading *r, reading_open_fn *open);
// event_name or event, webhook, state, outcome, status, since, until, tenant: as far as they are
// given. False: refused.
bool reading_read_filter(struct reading *r);
// Runs `read` (with r as its context) on the reader thread, then on_done on main, then frees r.
void reading_run(struct reading *r,
                 enum err (*read)(const struct query *query, struct query_conn *conn,
                                  void *context),
                 void (*on_done)(struct reading *r));
// "next", "prev" from the numbers of the first and last row (`count` 0: none), and "scanned_to" where
// a bounded scan stopped.
typedef struct uid reading_make_fn(const struct eventid_key *key, int64_t wall_ms, uint64_t number);
struct reading_ends {
    size_t count;
    uint64_t first, last; // numbers
    bool has_more;
    uint64_t scanned_to;
};
void reading_write_cursors(struct reading *r, const struct reading_ends *ends,
                           reading_make_fn *make);

// Reads the delivery that the call's {id} names, with its attempts, and gives it to `on_row`, which
// must end the call; refuses the call when there is none.
void reading_one_delivery(struct api_call *call,
                          void (*on_row)(struct api_call *call, const struct query_delivery *row));
