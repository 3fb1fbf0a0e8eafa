// SPDX-License-Identifier: MIT
// What the API, the page and explain read: filters, rows, pages; reader thread, rows then anywhere.
#pragma once

#include "base/arena.h"
#include "model/attempt.h"
#include "model/delivery.h"
#include "store/catalogue.h"

#define QUERY_MAX_LIMIT 250
#define QUERY_BUDGET_MS 100   // of one call, unless the configuration says otherwise
#define QUERY_MAX_SCAN  20000 // rows that a filter without an index may look at

// Zero means: not asked for. Lists go by id, newest first. The arena should take 4 MiB: a page that
// does not fit ends early, with has_more.
struct query_filter {
    struct arena *arena; // for the results
    uint32_t limit;      // 1-250
    uint64_t before;     // ids below this one; 0: from the newest
    uint64_t after;      // the nearest ids above this one (a page back); 0: none
    bool is_from_oldest; // the nearest ids above `after`, also when that is 0
    uint64_t seq;        // deliveries of this event
    uint32_t webhook;    // deliveries for this webhook's number
    uint32_t states;     // bit set 1 << enum delivery_state; 0: all
    enum outcome outcome;
    int status;
    int64_t since_ms, until_ms; // accepted
    struct span event_name;
    struct span tenant; // of the caller's token, or chosen
};

struct query_delivery {
    uint64_t id;
    uint32_t webhook;
    enum delivery_state state; // PENDING when it has no row: main knows better
    bool has_row;
    bool is_replay;
    enum outcome outcome;
    struct span reason;
    int64_t due_ms;           // pending only; 0: none
    int64_t settled_ms;       // final only; 0: none
    struct event *event;      // borrowed from the page: query_deliveries_deinit
    struct attempt *attempts; // oldest first
    uint32_t attempt_count;
};

struct query_deliveries {
    struct query_delivery *rows; // in the arena
    size_t count;
    bool has_more;       // there are older ones; with `after`: newer ones
    uint64_t scanned_to; // id where a bounded scan stopped; 0: it did not
};

struct query_events {
    struct event **rows; // one reference each: query_events_deinit
    size_t count;
    bool has_more;
    uint64_t scanned_to;
};

void query_events_deinit(struct query_events *page);
void query_delivery_deinit(struct query_delivery *row);
void query_deliveries_deinit(struct query_deliveries *page);

// Which versions of scripts.
struct query_scripts {
    struct span tenant, name;
    struct span hash;          // script_version: its first digits, lower case
    enum script_origin origin; // script_version: only of that one; 0: any
    uint32_t before;           // script_versions: numbers below this one; 0: from the newest
    uint32_t limit;            // 1-250
};

struct query_conn;
struct query {
    enum err (*open)(struct query_conn **out, const struct store_config *config,
                     struct errmsg *message);
    void (*close)(struct query_conn **conn);
    // All stop with ERR_TIMEOUT after their budget; lists that have begun end with a short page. Results lie in the caller's arena; events
    // carry a reference.
    enum err (*event)(struct query_conn *conn, uint64_t seq, struct event **out);
    enum err (*events)(struct query_conn *conn, const struct query_filter *filter,
                       struct query_events *out);
    enum err (*deliveries)(struct query_conn *conn, const struct query_filter *filter,
                           struct query_deliveries *out);
    // With all attempts; also for one that is owed and has no row (state PENDING).
    enum err (*delivery)(struct query_conn *conn, uint64_t id, struct arena *arena,
                         struct query_delivery *out);
    // A webhook's revisions, newest first: "why did it not match then?"
    enum err (*revisions)(struct query_conn *conn, enum object_kind kind, uint32_t number,
                          void (*on_object)(void *context, const struct object *object),
                          void *context);
    // All webhooks by number, deleted ones too, each in the revision that was valid at a time.
    enum err (*webhooks_at)(struct query_conn *conn, int64_t at_ms,
                            void (*on_object)(void *context, const struct object *object),
                            void *context);
    // Versions of a name that a tenant may use, newest first, without their sources: at most
    // `limit`, with numbers below `before` (0: from the newest).
    enum err (*script_versions)(struct query_conn *conn, const struct query_scripts *wanted,
                                void (*on_row)(void *context, const struct script_row *row),
                                void *context);
    // The first version of that name whose hash begins so, with its source: the tenant's own before
    // scripts_dir's before built-in ones. ERR_NOT_FOUND.
    enum err (*script_version)(struct query_conn *conn, const struct query_scripts *wanted,
                               void (*on_row)(void *context, const struct script_row *row),
                               void *context);
};
