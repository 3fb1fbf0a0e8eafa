// SPDX-License-Identifier: MIT
// What the store costs beside SQLite's own limit: events and their deliveries by commit size; one thread.
//
// store_bench [FOLDER [EVENTS]]: rows of a table; "limit" is SQLite with the same pragmas, rows and
// sizes and nothing else. store_bench FOLDER EVENTS append BATCH prints one number: events per
// second that are only appended (with --limit behind it: by SQLite alone). store_bench FOLDER EVENTS
// reads: how long lists take, and a start with EVENTS pending deliveries.
// Built by hand or by run.sh, against the release build:
//   gcc -O2 -std=c11 -D_GNU_SOURCE -Icore tests/bench/store_bench.c -o build/store_bench
//       build/release/libgrapnel_{store,model,crypto,json,base,schema}.a -lsqlite3 -lcrypto -luuid -luv
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/backend.h"

enum { PAYLOAD = 1024, ATTEMPT = 120, MAX_BATCH = 1024, MAX_DELIVERIES = 4, WEBHOOKS = 10000 };

struct work {
    const char *folder;
    size_t events;
    size_t batch;
    uint32_t deliveries;
    bool with_keys;
    bool is_waiting; // deliveries become pending, none is settled
    bool is_limit;
};

struct result {
    double seconds, cpu_s;
    double written; // bytes
    double file;    // bytes
    double worst_ms;
};

static double cpu_now(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static double bytes_written(void)
{
    char line[128];
    double bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "write_bytes:", 12) == 0)
            bytes = strtod(line + 12, NULL);
    }
    if (file != NULL)
        (void)fclose(file);
    return bytes;
}

static void fail(const char *what)
{
    (void)fprintf(stderr, "store_bench: %s\n", what);
    exit(1);
}

static void make_path(const struct work *work, char *out, size_t size)
{
    static unsigned number;
    (void)snprintf(out, size, "%s/bench-%ld-%u.db", work->folder, (long)getpid(), number++);
}

static double remove_files(const char *path)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char name[512];
    struct stat file = {0};
    (void)stat(path, &file);
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        (void)snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        (void)unlink(name);
    }
    return (double)file.st_size;
}

static uint32_t webhook_of(uint64_t seq, uint32_t index)
{
    return (uint32_t)(((seq * MAX_DELIVERIES + index) * 2654435761u) >> 8) % WEBHOOKS + 1;
}

// ---- ours -----------------------------------------------------------------------------------------

static struct event *make_event(const struct work *work, uint64_t seq, struct span payload)
{
    char key[32];
    (void)snprintf(key, sizeof key, "key-%llu", (unsigned long long)seq);
    struct event *event = event_new(&(struct event_source){
        .tenant = SPAN("default"),
        .name = SPAN("request.added"),
        .key_id = work->with_keys ? span_of(key) : SPAN(""),
        .payload = payload,
        .uid = 1000,
        .pid = 1,
    });
    uint32_t *webhooks = xcalloc(work->deliveries + 1, sizeof *webhooks);
    for (uint32_t i = 0; i < work->deliveries; i++)
        webhooks[i] = webhook_of(seq, i);
    event->seq = seq;
    event->accepted_ms = clock_wall_ms();
    event->id = uid_v7(event->accepted_ms, 0, seq);
    event_set_webhooks(event, webhooks, work->deliveries, NULL, 0);
    return event;
}

static struct settlement delivered(uint64_t seq, uint32_t index, struct span attempt)
{
    return (struct settlement){
        .delivery = delivery_id(seq, index),
        .webhook = webhook_of(seq, index),
        .state = DELIVERY_DELIVERED,
        .outcome = OUTCOME_DELIVERED,
        .at_ms = clock_wall_ms(),
        .attempts = 1,
        .attempt = attempt,
    };
}

// Each commit appends a batch and settles the one before it.
static void run_ours(const struct work *work, const char *path, double *worst_ms)
{
    static struct append appends[MAX_BATCH];
    static struct settlement settlements[MAX_BATCH * MAX_DELIVERIES];
    static char payload[PAYLOAD];
    static char record[ATTEMPT];
    const struct journal *journal = sqlite_backend.journal;
    struct store_config config = {.location = path, .idempotency_window_ms = 86400000};
    struct journal_conn *conn = NULL;
    struct journal_start start;
    struct errmsg message;
    size_t settled = 0;

    memset(payload, 'x', sizeof payload);
    if (journal->open(&conn, &config, &start, &message) != OK)
        fail(message.text);
    uint64_t seq = start.next_seq;
    for (size_t done = 0; done < work->events; done += work->batch) {
        for (size_t i = 0; i < work->batch; i++)
            appends[i] = (struct append){
                .event = make_event(work, seq + i, span_make(payload, sizeof payload))};
        int64_t begin = clock_mono_ns();
        if (journal->commit(conn, appends, work->batch, settlements, settled) != OK ||
            journal->idle(conn, false) != OK)
            fail("a commit failed");
        double ms = (double)(clock_mono_ns() - begin) / 1e6;
        *worst_ms = ms > *worst_ms ? ms : *worst_ms;
        settled = 0;
        for (size_t i = 0; i < work->batch; i++) {
            event_unref(appends[i].event);
            for (uint32_t k = 0; k < work->deliveries; k++)
                settlements[settled++] = delivered(seq + i, k, span_make(record, sizeof record));
            if (work->is_waiting) {
                settlements[settled - 1].state = DELIVERY_PENDING;
                settlements[settled - 1].due_ms = clock_wall_ms() + (int64_t)i;
            }
        }
        seq += work->batch;
    }
    if (journal->commit(conn, NULL, 0, settlements, settled) != OK)
        fail("a commit failed");
    journal->close(&conn);
    xfree(start.due);
}

// ---- SQLite alone -----------------------------------------------------------------------------------

static void step(sqlite3_stmt *statement)
{
    if (sqlite3_step(statement) != SQLITE_DONE || sqlite3_reset(statement) != SQLITE_OK)
        fail("SQLite failed");
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail(sqlite3_errmsg(db));
    return statement;
}

static void run_limit(const struct work *work, const char *path, double *worst_ms)
{
    static char bytes[PAYLOAD + 100];
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK ||
        sqlite3_exec(db,
                     "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;"
                     "PRAGMA wal_autocheckpoint=512;PRAGMA secure_delete=OFF;"
                     "CREATE TABLE events(seq INTEGER PRIMARY KEY, rec BLOB);"
                     "CREATE TABLE deliveries(id INTEGER PRIMARY KEY, webhook, state, rec BLOB)",
                     NULL, NULL, NULL) != SQLITE_OK)
        fail("cannot open");
    sqlite3_stmt *event = prepare(db, "INSERT INTO events VALUES(?, ?)");
    sqlite3_stmt *delivery = prepare(db, "INSERT INTO deliveries VALUES(?, ?, 3, ?)");
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");
    uint64_t seq = 1;
    for (size_t done = 0; done < work->events; done += work->batch) {
        int64_t start = clock_mono_ns();
        step(begin);
        for (size_t i = 0; i < work->batch; i++, seq++) {
            sqlite3_bind_int64(event, 1, (int64_t)seq);
            sqlite3_bind_blob(event, 2, bytes, sizeof bytes, SQLITE_STATIC);
            step(event);
            for (uint32_t k = 0; k < work->deliveries; k++) {
                sqlite3_bind_int64(delivery, 1, (int64_t)delivery_id(seq, k));
                sqlite3_bind_int64(delivery, 2, webhook_of(seq, k));
                sqlite3_bind_blob(delivery, 3, bytes, ATTEMPT + 16, SQLITE_STATIC);
                step(delivery);
            }
        }
        step(commit);
        double ms = (double)(clock_mono_ns() - start) / 1e6;
        *worst_ms = ms > *worst_ms ? ms : *worst_ms;
    }
    sqlite3_finalize(event);
    sqlite3_finalize(delivery);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    (void)sqlite3_close(db);
}

// ---- reads ------------------------------------------------------------------------------------------

static void time_list(struct query_conn *conn, const char *name, struct query_filter filter)
{
    enum { ROUNDS = 200 };
    struct arena arena;
    size_t rows = 0;
    arena_init(&arena, (size_t)8 << 20);
    int64_t begin = clock_mono_ns();
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct query_deliveries page;
        arena_clear(&arena);
        filter.arena = &arena;
        filter.limit = 50;
        if (filter.webhook != 0)
            filter.webhook = 1 + i * 37 % WEBHOOKS;
        enum err err = sqlite_backend.query->deliveries(conn, &filter, &page);
        if (err != OK)
            fail(err_name(err));
        rows += page.count;
        query_deliveries_deinit(&page);
    }
    (void)printf("%-32s %8.0f us %6.1f rows\n", name,
                 (double)(clock_mono_ns() - begin) / 1e3 / ROUNDS, (double)rows / ROUNDS);
    arena_deinit(&arena);
}

static void time_lists(const char *path)
{
    struct store_config config = {.location = path};
    struct query_conn *conn = NULL;
    struct errmsg message;
    if (sqlite_backend.query->open(&conn, &config, &message) != OK)
        fail(message.text);
    time_list(conn, "all", (struct query_filter){0});
    time_list(conn, "one webhook", (struct query_filter){.webhook = 1});
    time_list(conn, "one webhook, delivered",
              (struct query_filter){.webhook = 1, .states = 1u << DELIVERY_DELIVERED});
    time_list(conn, "one webhook, pending",
              (struct query_filter){.webhook = 1, .states = 1u << DELIVERY_PENDING});
    time_list(conn, "dead", (struct query_filter){.states = 1u << DELIVERY_DEAD});
    time_list(conn, "one event", (struct query_filter){.seq = 77});
    sqlite_backend.query->close(&conn);
}

static void run_reads(struct work *work)
{
    char path[400];
    double worst_ms = 0;
    struct store_config config = {.location = path};
    struct journal_conn *conn = NULL;
    struct journal_start start;
    struct errmsg message;
    work->batch = 512;
    work->deliveries = 1;
    make_path(work, path, sizeof path);
    run_ours(work, path, &worst_ms);
    work->is_waiting = true;
    run_ours(work, path, &worst_ms);
    int64_t begin = clock_mono_ns();
    if (sqlite_backend.journal->open(&conn, &config, &start, &message) != OK)
        fail(message.text);
    (void)printf("%-32s %8.0f us %6zu webhooks, %llu rows\n", "start",
                 (double)(clock_mono_ns() - begin) / 1e3, start.due_count,
                 (unsigned long long)sqlite_backend.journal->gauges(conn).pending_rows);
    time_lists(path);
    sqlite_backend.journal->close(&conn);
    xfree(start.due);
    (void)remove_files(path);
}

// ---- the table --------------------------------------------------------------------------------------

static struct result measure(const struct work *work)
{
    char path[400];
    struct result result = {0};
    make_path(work, path, sizeof path);
    double written = bytes_written();
    double cpu = cpu_now();
    int64_t start = clock_mono_ns();
    if (work->is_limit)
        run_limit(work, path, &result.worst_ms);
    else
        run_ours(work, path, &result.worst_ms);
    result.seconds = (double)(clock_mono_ns() - start) / 1e9;
    result.cpu_s = cpu_now() - cpu;
    result.written = bytes_written() - written;
    result.file = remove_files(path);
    return result;
}

static void print_row(const struct work *work, const char *name)
{
    struct result r = measure(work);
    double events = (double)work->events;
    (void)printf("%-8s %2u %5zu %10.0f %10.3f %12.0f %10.0f %10.1f\n", name, work->deliveries,
                 work->batch, events / r.seconds, r.cpu_s / events * 1e4, r.written / events,
                 r.file / events, r.worst_ms);
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    static const size_t batches[] = {1, 16, 128, 512};
    struct work work = {.folder = argc > 1 ? argv[1] : ".",
                        .events = argc > 2 ? strtoul(argv[2], NULL, 10) : 100000};
    if (argc > 4 && strcmp(argv[3], "append") == 0) {
        work.batch = strtoul(argv[4], NULL, 10);
        work.is_limit = argc > 5 && strcmp(argv[5], "--limit") == 0;
        if (work.batch == 0 || work.batch > MAX_BATCH)
            fail("BATCH is 1 to 1024");
        (void)printf("%.0f\n", (double)work.events / measure(&work).seconds);
        return 0;
    }
    if (argc > 3 && strcmp(argv[3], "reads") == 0) {
        run_reads(&work);
        return 0;
    }
    (void)printf("%-8s %2s %5s %10s %10s %12s %10s %10s\n", "what", "D", "batch", "events/s",
                 "CPU s/10k", "written B/ev", "file B/ev", "worst ms");
    for (uint32_t d = 1; d <= 4; d += 3) {
        for (size_t i = 0; i < COUNT_OF(batches); i++) {
            size_t all = work.events;
            work.deliveries = d;
            work.batch = batches[i];
            if (work.batch == 1)
                work.events /= 20;
            work.is_limit = true;
            print_row(&work, "limit");
            work.is_limit = false;
            print_row(&work, "store");
            work.with_keys = true;
            print_row(&work, "keys");
            work.with_keys = false;
            work.events = all;
        }
    }
    return 0;
}
