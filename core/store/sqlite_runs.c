// SPDX-License-Identifier: MIT
// Sorted runs of what has settled, per webhook, and their tail; store thread.
#include "store/sqlite_runs.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/mem.h"
#include "base/pack.h"

#define STATE_BITS    3
#define LIST_MAX      ((size_t)SQLITE_RUNS_ENTRIES * 64) // bytes of one list, far above need
#define ENTRIES_START 1024

_Static_assert(DELIVERY_STATE_COUNT <= 1 << STATE_BITS, "a state fits its bits");

static void push(struct sqlite_runs *runs, const struct sqlite_runs_entry *entry)
{
    if (runs->count == runs->capacity) {
        runs->capacity = runs->capacity > 0 ? runs->capacity * 2 : ENTRIES_START;
        runs->entries = xrealloc(runs->entries, runs->capacity * sizeof *runs->entries);
    }
    runs->entries[runs->count++] = *entry;
}

void sqlite_runs_deinit(struct sqlite_runs *runs)
{
    xfree(runs->entries);
    *runs = (struct sqlite_runs){0};
}

void sqlite_runs_pack(struct buf *tail, uint64_t id, uint32_t webhook, enum delivery_state state)
{
    pack_uint(tail, id);
    pack_uint(tail, webhook);
    pack_uint(tail, state);
}

bool sqlite_runs_unpack(struct unpack *u, struct sqlite_runs_entry *out)
{
    if (u->rest.len == 0)
        return false;
    out->id = unpack_uint(u);
    out->webhook = (uint32_t)unpack_uint(u);
    out->state = (uint32_t)unpack_uint(u);
    return !u->is_bad;
}

bool sqlite_runs_unpack_list(struct unpack *u, uint64_t *id, enum delivery_state *state)
{
    if (u->rest.len == 0)
        return false;
    *id += unpack_uint(u);
    uint64_t number = unpack_uint(u);
    *state = (enum delivery_state)number;
    return !u->is_bad && number < DELIVERY_STATE_COUNT;
}

enum err sqlite_runs_write_tail(struct sqlite_runs *runs, struct sqlite_db *db, struct span tail)
{
    if (tail.len == 0)
        return OK;
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_RUN_TAIL_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)(runs->txn + 1));
    sqlite_db_bind_blob(statement, 2, tail);
    return sqlite_db_run(db, SQL_RUN_TAIL_INSERT);
}

static bool take(struct sqlite_runs *runs, struct span tail)
{
    struct unpack u;
    struct sqlite_runs_entry entry;
    unpack_init(&u, tail);
    while (sqlite_runs_unpack(&u, &entry))
        push(runs, &entry);
    return !u.is_bad;
}

void sqlite_runs_apply_tail(struct sqlite_runs *runs, struct span tail)
{
    if (tail.len == 0)
        return;
    runs->txn++;
    CHECK(take(runs, tail));
}

enum err sqlite_runs_load(struct sqlite_runs *runs, struct sqlite_db *db)
{
    *runs = (struct sqlite_runs){0};
    sqlite_db_use(db, SQL_RUN_LAST);
    enum err err = sqlite_db_row(db, SQL_RUN_LAST);
    if (err == OK) {
        runs->run = (uint64_t)sqlite_db_int(db, SQL_RUN_LAST, 0);
        runs->max_id = (uint64_t)sqlite_db_int(db, SQL_RUN_LAST, 1);
        runs->runs = (uint64_t)sqlite_db_int(db, SQL_RUN_LAST, 2);
        sqlite_db_reset(db, SQL_RUN_LAST);
    } else if (err != ERR_NOT_FOUND) {
        return err;
    }
    sqlite_db_use(db, SQL_RUN_TAIL);
    while ((err = sqlite_db_next(db, SQL_RUN_TAIL)) == OK) {
        runs->txn = (uint64_t)sqlite_db_int(db, SQL_RUN_TAIL, 0);
        if (!take(runs, sqlite_db_blob(db, SQL_RUN_TAIL, 1))) {
            sqlite_db_reset(db, SQL_RUN_TAIL);
            return ERR_CORRUPT;
        }
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static int by_webhook_and_id(const void *a, const void *b)
{
    const struct sqlite_runs_entry *x = a;
    const struct sqlite_runs_entry *y = b;
    if (x->webhook != y->webhook)
        return x->webhook < y->webhook ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static enum err write_list(struct sqlite_db *db, uint64_t run, uint32_t webhook, struct span list)
{
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_RUN_LIST_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)run);
    sqlite_db_bind(statement, 2, webhook);
    sqlite_db_bind_blob(statement, 3, list);
    return sqlite_db_run(db, SQL_RUN_LIST_INSERT);
}

static enum err write_lists(struct sqlite_runs *runs, struct sqlite_db *db, struct buf *list)
{
    const struct sqlite_runs_entry *entries = runs->entries;
    for (size_t i = 0; i < runs->count;) {
        uint32_t webhook = entries[i].webhook;
        uint64_t last = 0;
        buf_clear(list);
        for (; i < runs->count && entries[i].webhook == webhook; i++) {
            pack_uint(list, entries[i].id - last);
            pack_uint(list, entries[i].state);
            last = entries[i].id;
        }
        enum err err = write_list(db, runs->run + 1, webhook, buf_span(list));
        if (err != OK)
            return err;
    }
    return OK;
}

static uint64_t highest_id(const struct sqlite_runs *runs)
{
    uint64_t max_id = runs->max_id;
    for (size_t i = 0; i < runs->count; i++) {
        if (runs->entries[i].id > max_id)
            max_id = runs->entries[i].id;
    }
    return max_id;
}

enum err sqlite_runs_flush(struct sqlite_runs *runs, struct sqlite_db *db)
{
    if (runs->count == 0)
        return OK;
    // Sorting loses the order in which a delivery settled twice; the row decides, not the hint.
    qsort(runs->entries, runs->count, sizeof *runs->entries, by_webhook_and_id);
    struct buf list;
    buf_init(&list, LIST_MAX);
    enum err err = write_lists(runs, db, &list);
    buf_deinit(&list);
    if (err != OK)
        return err;
    sqlite3_stmt *statement = sqlite_db_use(db, SQL_RUN_INSERT);
    sqlite_db_bind(statement, 1, (int64_t)(runs->run + 1));
    sqlite_db_bind(statement, 2, (int64_t)highest_id(runs));
    err = sqlite_db_run(db, SQL_RUN_INSERT);
    if (err != OK)
        return err;
    if (failpoint_hit(FAILPOINT_STORE_RUN_FLUSH))
        return ERR_IO;
    sqlite_db_bind(sqlite_db_use(db, SQL_RUN_TAIL_DELETE), 1, (int64_t)runs->txn);
    return sqlite_db_run(db, SQL_RUN_TAIL_DELETE);
}

void sqlite_runs_flushed(struct sqlite_runs *runs)
{
    if (runs->count == 0)
        return;
    runs->max_id = highest_id(runs);
    runs->run++;
    runs->runs++;
    runs->count = 0;
}
