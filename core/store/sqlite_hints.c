// SPDX-License-Identifier: MIT
// Pages of a webhook's settled deliveries out of sorted runs and their tail; reader thread.
//
// A run's max_id is the highest of it and of all before it: walking from the newest run down, the
// walk may end when no older run can hold anything that belongs on the page.
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/pack.h"
#include "store/sqlite_query.h"
#include "store/sqlite_runs.h"

#define GATHER_MAX ((size_t)SQLITE_HINTS_PAGE * 16) // ids before the page is cut

struct gather {
    uint64_t *ids; // owned, GATHER_MAX
    size_t count;
    uint64_t low, high; // exclusive; the inner one moves as the page fills
    uint32_t states;
    bool up;
    bool has_more;
};

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int descending(const void *a, const void *b)
{
    return -ascending(a, b);
}

// Sorts, drops doubles, and keeps what fits the page; what is beyond is out of bounds from now on.
static void cut(struct gather *g)
{
    size_t kept = 0;
    qsort(g->ids, g->count, sizeof *g->ids, g->up ? ascending : descending);
    for (size_t i = 0; i < g->count; i++) {
        if (kept == 0 || g->ids[kept - 1] != g->ids[i])
            g->ids[kept++] = g->ids[i];
    }
    g->count = kept;
    if (kept <= SQLITE_HINTS_PAGE)
        return;
    g->count = SQLITE_HINTS_PAGE;
    g->has_more = true;
    if (g->up)
        g->high = g->ids[g->count - 1] + 1;
    else
        g->low = g->ids[g->count - 1] - 1;
}

static void add(struct gather *g, uint64_t id, uint32_t state)
{
    if (id <= g->low || id >= g->high || (g->states != 0 && !(g->states >> state & 1)))
        return;
    if (g->count == GATHER_MAX)
        cut(g);
    if (id > g->low && id < g->high)
        g->ids[g->count++] = id;
    else
        g->has_more = true;
}

static enum err read_tail(struct query_conn *conn, uint32_t webhook, struct gather *g)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite_db_use(db, SQL_RUN_TAIL);
    while ((err = sqlite_db_next(db, SQL_RUN_TAIL)) == OK) {
        struct unpack u;
        struct sqlite_runs_entry entry;
        unpack_init(&u, sqlite_db_blob(db, SQL_RUN_TAIL, 1));
        while (sqlite_runs_unpack(&u, &entry)) {
            if (entry.webhook == webhook)
                add(g, entry.id, entry.state);
        }
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static void read_run(struct span list, struct gather *g)
{
    struct unpack u;
    uint64_t id = 0;
    enum delivery_state state = DELIVERY_PENDING;
    unpack_init(&u, list);
    while (sqlite_runs_unpack_list(&u, &id, &state))
        add(g, id, state);
}

// No run from here on can hold an id that belongs on the page.
static bool is_enough(struct gather *g, uint64_t max_id)
{
    if (max_id <= g->low)
        return true;
    if (g->up || g->count < SQLITE_HINTS_PAGE)
        return false;
    cut(g);
    return g->count == SQLITE_HINTS_PAGE && max_id < g->ids[g->count - 1];
}

static enum err read_runs(struct query_conn *conn, uint32_t webhook, struct gather *g)
{
    struct sqlite_db *db = &conn->db;
    enum err err = OK;
    sqlite_db_bind(sqlite_db_use(db, SQL_LIST_RUNS), 1, webhook);
    while ((err = sqlite_db_next(db, SQL_LIST_RUNS)) == OK) {
        if (is_enough(g, (uint64_t)sqlite_db_int(db, SQL_LIST_RUNS, 0))) {
            g->has_more = g->has_more || g->count == SQLITE_HINTS_PAGE;
            break;
        }
        read_run(sqlite_db_blob(db, SQL_LIST_RUNS, 1), g);
    }
    sqlite_db_reset(db, SQL_LIST_RUNS);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_hints_read(struct query_conn *conn, uint32_t webhook, uint32_t states,
                           const uint64_t between[2], bool up, struct sqlite_hints *out)
{
    struct gather g = {
        .ids = xcalloc(GATHER_MAX, sizeof *g.ids),
        .low = between[0],
        .high = between[1],
        .states = states,
        .up = up,
    };
    enum err err = read_tail(conn, webhook, &g);
    if (err == OK)
        err = read_runs(conn, webhook, &g);
    if (err == OK) {
        cut(&g);
        memcpy(out->ids, g.ids, g.count * sizeof *g.ids);
        out->count = g.count;
        out->at = 0;
        out->has_more = g.has_more;
    }
    xfree(g.ids);
    return err;
}
