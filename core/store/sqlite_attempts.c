// SPDX-License-Identifier: MIT
// Attempts of a delivery: those in their table, and the one in its final row; reader thread.
#include "store/sqlite_query.h"

#define MAX_ATTEMPTS 65 // the newest are answered

// What a record takes once it is unpacked, at worst: a header is two bytes at least.
static size_t need(struct span record)
{
    return sizeof(struct attempt) + record.len * (1 + sizeof(struct header)) + 256;
}

static bool fits(const struct arena *arena, size_t bytes)
{
    return arena->max - arena->used >= bytes;
}

static enum err add(struct arena *arena, struct span record, uint64_t id, struct attempt *list,
                    size_t *count)
{
    if (record.len == 0)
        return OK;
    if (!fits(arena, need(record)))
        return ERR_FULL;
    struct span copy = arena_copy(arena, record);
    // One that cannot be read is left out: the others still tell.
    if (attempt_unpack(copy, arena, &list[*count]) != OK)
        return OK;
    list[*count].delivery = id;
    ++*count;
    return OK;
}

static void swap(struct attempt *a, struct attempt *b)
{
    struct attempt c = *a;
    *a = *b;
    *b = c;
}

// Newest first so far, but for the one of the final row, which came first.
static void order(struct attempt *list, size_t count)
{
    for (size_t i = 0; i < count / 2; i++)
        swap(&list[i], &list[count - 1 - i]);
    for (size_t i = count; i > 1 && list[i - 1].number < list[i - 2].number; i--)
        swap(&list[i - 1], &list[i - 2]);
}

static enum err add_final(struct query_conn *conn, struct arena *arena, uint64_t id,
                          struct attempt *list, size_t *count)
{
    struct sqlite_db *db = &conn->db;
    struct row row = {0};
    sqlite_db_bind(sqlite_db_use(db, SQL_FINAL_GET), 1, (int64_t)id);
    enum err err = sqlite_db_row(db, SQL_FINAL_GET);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    if (row_unpack(sqlite_db_blob(db, SQL_FINAL_GET, 2), id, &row) == OK)
        err = add(arena, row.attempt, id, list, count);
    sqlite_db_reset(db, SQL_FINAL_GET);
    return err;
}

enum err sqlite_attempts_read(struct query_conn *conn, struct arena *arena,
                              struct query_delivery *out)
{
    struct sqlite_db *db = &conn->db;
    struct attempt list[MAX_ATTEMPTS];
    size_t count = 0;
    enum err err = add_final(conn, arena, out->id, list, &count);
    if (err != OK)
        return err;
    sqlite_db_bind(sqlite_db_use(db, SQL_ATTEMPTS_GET), 1, (int64_t)out->id);
    while (count < MAX_ATTEMPTS && (err = sqlite_db_next(db, SQL_ATTEMPTS_GET)) == OK) {
        struct span record = sqlite_db_blob(db, SQL_ATTEMPTS_GET, 1);
        if (seal_open(&record, out->id))
            err = add(arena, record, out->id, list, &count);
        if (err != OK)
            break;
    }
    sqlite_db_reset(db, SQL_ATTEMPTS_GET);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (!fits(arena, count * sizeof *list + 64))
        return ERR_FULL;
    order(list, count);
    out->attempts = arena_alloc(arena, count * sizeof *list + 1);
    if (count > 0)
        memcpy(out->attempts, list, count * sizeof *list);
    out->attempt_count = (uint32_t)count;
    return OK;
}

enum err sqlite_attempts_status(struct query_conn *conn, uint64_t id, int *status)
{
    struct query_delivery row = {.id = id};
    arena_clear(&conn->scratch);
    enum err err = sqlite_attempts_read(conn, &conn->scratch, &row);
    if (err != OK)
        return err;
    *status = row.attempt_count > 0 ? row.attempts[row.attempt_count - 1].status : 0;
    return OK;
}
