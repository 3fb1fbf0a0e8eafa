// SPDX-License-Identifier: MIT
// What is SQLite's own: the file, its schema, runs, keys across restarts, failures; test's thread.
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "fixture.h"
#include "store/sqlite_db.h"
#include "store/sqlite_keys.h"
#include "store/sqlite_runs.h"

#define HOUR 3600000

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    fixture_init(f, &sqlite_backend);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture_deinit(*state);
    xfree(*state);
    return 0;
}

// A number from the file, or a change to it, past the backend.
static int64_t sql(const struct fixture *f, const char *text)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(f->location, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    else
        assert_int_equal(rc, SQLITE_DONE);
    sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return value;
}

static void arm(const char *failpoint)
{
    struct errmsg message;
    assert_int_equal(setenv("GRAPNEL_TEST", "1", 1), 0);
    assert_int_equal(setenv("GRAPNEL_FAILPOINT", failpoint, 1), 0);
    assert_ok(failpoint_init(&message));
}

static enum err open_refused(struct fixture *f, struct errmsg *message)
{
    struct journal_conn *conn = NULL;
    struct journal_start start = {0};
    enum err err = f->backend->journal->open(&conn, &f->config, &start, message);
    assert_null(conn);
    assert_null(start.due);
    return err;
}

static void test_file(void **state)
{
    struct fixture *f = *state;
    struct stat file;
    assert_int_equal(stat(f->location, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    fixture_append(f, NULL, 0);
    char wal[128];
    (void)snprintf(wal, sizeof wal, "%s-wal", f->location);
    assert_int_equal(stat(wal, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(sql(f, "PRAGMA page_size"), 8192);
    assert_int_equal(sql(f, "PRAGMA user_version"), 3);
    assert_int_equal(sql(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode='wal'"),
                     1);
    assert_int_equal(sql(f, "SELECT count(*) FROM events"), 1);
}

static void test_newer_version(void **state)
{
    struct fixture *f = *state;
    struct errmsg message;
    fixture_append(f, NULL, 0);
    fixture_close(f);
    sql(f, "PRAGMA user_version = 99");
    assert_int_equal(open_refused(f, &message), ERR_VERSION);
    assert_non_null(strstr(message.text, "99"));
    assert_non_null(strstr(message.text, "newer grapnel"));
    sql(f, "PRAGMA user_version = 3");
    fixture_open(f);
    assert_int_equal(sql(f, "SELECT count(*) FROM events"), 1);
}

static void test_foreign_file(void **state)
{
    struct fixture *f = *state;
    struct errmsg message;
    fixture_close(f);
    assert_int_equal(unlink(f->location), 0);
    sql(f, "CREATE TABLE theirs(a)");
    assert_int_equal(open_refused(f, &message), ERR_DENIED);
    assert_non_null(strstr(message.text, "another program"));
    assert_int_equal(unlink(f->location), 0);
    FILE *file = fopen(f->location, "w");
    assert_non_null(file);
    for (int i = 0; i < 1000; i++)
        assert_true(fputs("this is no database at all\n", file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(open_refused(f, &message), ERR_CORRUPT);
    assert_int_equal(unlink(f->location), 0);
    fixture_open(f);
}

static void test_no_folder(void **state)
{
    struct fixture *f = *state;
    struct errmsg message;
    fixture_close(f);
    f->config.location = "/nonexistent/folder/grapnel.db";
    assert_int_equal(open_refused(f, &message), ERR_NOT_FOUND);
    assert_non_null(strstr(message.text, "/nonexistent/folder/grapnel.db"));
    f->config.location = f->location;
    fixture_open(f);
}

// A migration that dies half way leaves an empty file, and the next start makes the schema.
static void test_broken_migration(void **state)
{
    struct fixture *f = *state;
    struct errmsg message;
    fixture_close(f);
    assert_int_equal(unlink(f->location), 0);
    arm("store_migrate:error:1");
    assert_int_equal(open_refused(f, &message), ERR_IO);
    arm("");
    assert_int_equal(sql(f, "SELECT count(*) FROM sqlite_schema"), 0);
    fixture_open(f);
    assert_int_equal(sql(f, "PRAGMA user_version"), 3);
}

// A file of the version before keeps what it holds.
static void test_older_version(void **state)
{
    struct fixture *f = *state;
    fixture_append(f, NULL, 0);
    fixture_close(f);
    sql(f, "DROP INDEX revisions_key_id");
    sql(f, "ALTER TABLE revisions DROP COLUMN key_id");
    sql(f, "DROP TABLE script_sources");
    sql(f, "DROP TABLE script_versions");
    sql(f, "DROP TABLE script_places");
    sql(f, "PRAGMA user_version = 1");
    fixture_open(f);
    assert_int_equal(sql(f, "PRAGMA user_version"), 3);
    assert_int_equal(sql(f, "SELECT count(*) FROM events"), 1);
    assert_int_equal(sql(f, "SELECT count(*) FROM script_places"), 0);
}

// ---- failures -----------------------------------------------------------------------------------

static enum err try_append(struct fixture *f, const char *key, enum append_verdict *verdict)
{
    struct append append = {.event = fixture_event(f, key, (const uint32_t[]){7}, 1)};
    enum err err = f->backend->journal->commit(f->conn, &append, 1, NULL, 0);
    if (verdict != NULL)
        *verdict = append.verdict;
    event_unref(append.event);
    return err;
}

// Nothing of a failed commit remains, in the file or in memory.
static void test_failed_commit(void **state)
{
    static const char *const points[] = {"store_before_insert:error:1",
                                         "store_before_commit:error:1"};
    struct fixture *f = *state;
    enum append_verdict verdict = APPEND_STORED;
    uint64_t first = fixture_append(f, (const uint32_t[]){7}, 1);
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        struct settlement s = fixture_outcome(delivery_id(first, 0), 7, DELIVERY_PENDING);
        struct append append = {.event = fixture_event(f, "key", (const uint32_t[]){7}, 1)};
        arm(points[i]);
        assert_int_equal(f->backend->journal->commit(f->conn, &append, 1, &s, 1), ERR_IO);
        arm("");
        event_unref(append.event);
        assert_int_equal(sql(f, "SELECT count(*) FROM events"), 1);
        assert_int_equal(sql(f, "SELECT count(*) FROM pending"), 0);
        assert_int_equal(f->backend->journal->gauges(f->conn).pending_rows, 0);
    }
    // The key was not taken, the first event still owes its delivery.
    assert_ok(try_append(f, "key", &verdict));
    assert_int_equal(verdict, APPEND_STORED);
    assert_int_equal(fixture_owed(f, NULL, 0), 2);
}

static void test_unknown_fate(void **state)
{
    struct fixture *f = *state;
    arm("store_after_commit:error:1");
    assert_int_equal(try_append(f, NULL, NULL), ERR_INTERRUPTED);
    arm("");
    fixture_crash(f);
    assert_int_equal(fixture_owed(f, NULL, 0), 1); // as it happens, it was stored
}

static void test_failed_claim(void **state)
{
    struct fixture *f = *state;
    struct claimed rows[4];
    struct claim wish = {.webhook = 7, .now_ms = f->now_ms, .max = 4, .rows = rows};
    struct settlement s = fixture_outcome(
        delivery_id(fixture_append(f, (const uint32_t[]){7}, 1), 0), 7, DELIVERY_PENDING);
    s.due_ms = f->now_ms;
    fixture_settle(f, &s);
    arm("store_claim:error:1");
    assert_int_equal(f->backend->journal->claim(f->conn, &wish), ERR_IO);
    arm("");
    assert_ok(f->backend->journal->claim(f->conn, &wish));
    assert_int_equal(wish.count, 1);
    event_unref(rows[0].event);
}

static void test_failed_prune(void **state)
{
    struct fixture *f = *state;
    size_t count = 0;
    f->now_ms -= 40ll * 24 * HOUR;
    for (int i = 0; i < 3; i++)
        fixture_append(f, NULL, 0);
    arm("store_prune:error:1");
    assert_int_equal(f->backend->journal->prune(f->conn, f->now_ms + 1, 0, 2, &count), ERR_IO);
    arm("");
    assert_int_equal(sql(f, "SELECT count(*) FROM events"), 3);
    assert_ok(f->backend->journal->prune(f->conn, f->now_ms + 1, 0, 2, &count));
    assert_int_equal(count, 2);
    assert_ok(f->backend->journal->prune(f->conn, f->now_ms + 1, 0, 2, &count));
    assert_int_equal(count, 1);
    assert_int_equal(sql(f, "SELECT count(*) FROM events"), 0);
}

static void test_low_space(void **state)
{
    struct fixture *f = *state;
    uint64_t id = delivery_id(fixture_append(f, (const uint32_t[]){7}, 1), 0);
    fixture_close(f);
    f->config.min_free_bytes = INT64_MAX; // more than any disk has
    fixture_open(f);
    assert_int_equal(try_append(f, NULL, NULL), ERR_NO_SPACE);
    assert_true(f->backend->journal->gauges(f->conn).is_low);
    struct settlement s = fixture_outcome(id, 7, DELIVERY_DELIVERED);
    fixture_settle(f, &s); // outcomes have the reserve
}

// A mark that is ahead loses deliveries: whoever breaks it is found out.
static void test_broken_mark_is_seen(void **state)
{
    struct fixture *f = *state;
    uint64_t seq = fixture_append(f, (const uint32_t[]){7}, 1);
    fixture_append(f, (const uint32_t[]){7}, 1);
    fixture_close(f);
    sql(f, "UPDATE meta SET v = v + 1 WHERE k = 'low_water'");
    if (sql(f, "SELECT count(*) FROM meta WHERE k = 'low_water'") == 0)
        sql(f, "INSERT INTO meta VALUES('low_water', 2)");
    fixture_open(f);
    uint64_t owed[2] = {0};
    assert_int_equal(fixture_owed(f, owed, 2), 1);
    assert_true(delivery_seq(owed[0]) > seq); // the first one is lost
}

static void test_damaged_event(void **state)
{
    struct fixture *f = *state;
    struct claimed rows[4];
    struct claim wish = {.webhook = 7, .now_ms = f->now_ms, .max = 4, .rows = rows};
    uint64_t seqs[2];
    for (size_t i = 0; i < 2; i++) {
        seqs[i] = fixture_append(f, (const uint32_t[]){7}, 1);
        struct settlement s = fixture_outcome(delivery_id(seqs[i], 0), 7, DELIVERY_PENDING);
        s.due_ms = f->now_ms;
        fixture_settle(f, &s);
    }
    fixture_close(f);
    // One bit of the payload.
    sql(f, "UPDATE events SET rec = CAST(replace(CAST(rec AS TEXT), '\"a\"', '\"c\"') AS BLOB) "
           "WHERE seq = 1");
    fixture_open(f);
    // Its delivery ends as dead, its neighbour goes on.
    assert_ok(f->backend->journal->claim(f->conn, &wish));
    assert_int_equal(wish.count, 1);
    assert_int_equal(rows[0].delivery, delivery_id(seqs[1], 0));
    event_unref(rows[0].event);
    assert_int_equal(sql(f, "SELECT state FROM deliveries WHERE id = 65536"), DELIVERY_DEAD);
    assert_int_equal(sql(f, "SELECT count(*) FROM pending"), 1);
}

// ---- keys ---------------------------------------------------------------------------------------

static void append_keys(struct fixture *f, uint32_t first, uint32_t count)
{
    enum { BATCH = 500 };
    struct append batch[BATCH];
    for (uint32_t i = 0; i < count; i += BATCH) {
        size_t n = count - i < BATCH ? count - i : BATCH;
        for (size_t k = 0; k < n; k++) {
            char key[32];
            (void)snprintf(key, sizeof key, "key-%zu", first + i + k);
            batch[k] = (struct append){.event = fixture_event(f, key, NULL, 0)};
        }
        assert_ok(f->backend->journal->commit(f->conn, batch, n, NULL, 0));
        for (size_t k = 0; k < n; k++) {
            assert_int_equal(batch[k].verdict, APPEND_STORED);
            event_unref(batch[k].event);
        }
    }
}

static enum append_verdict verdict_of(struct fixture *f, uint32_t number)
{
    enum append_verdict verdict = APPEND_STORED;
    char key[32];
    (void)snprintf(key, sizeof key, "key-%u", number);
    assert_ok(try_append(f, key, &verdict));
    return verdict;
}

static void test_keys_in_runs(void **state)
{
    struct fixture *f = *state;
    enum { FIRST = SQLITE_KEYS_ENTRIES + 100, SECOND = SQLITE_KEYS_ENTRIES + 50, NEWEST = 700 };
    f->now_ms -= 3 * HOUR;
    append_keys(f, 0, FIRST);
    assert_ok(f->backend->journal->idle(f->conn, false));
    assert_int_equal(sql(f, "SELECT count(*) FROM key_runs"), 1);
    assert_int_equal(sql(f, "SELECT count(*) FROM key_tail"), 0);
    f->now_ms += HOUR;
    append_keys(f, FIRST, SECOND);
    assert_ok(f->backend->journal->idle(f->conn, false));
    assert_int_equal(sql(f, "SELECT count(*) FROM key_runs"), 2);
    append_keys(f, FIRST + SECOND, NEWEST);
    fixture_crash(f);
    for (uint32_t i = 0; i < FIRST + SECOND + NEWEST; i += 997)
        assert_int_equal(verdict_of(f, i), APPEND_DUPLICATE);
    assert_int_equal(verdict_of(f, FIRST + SECOND + NEWEST), APPEND_STORED);
    // With a window of two and a half hours the first run is over, the second is not.
    fixture_close(f);
    f->now_ms = clock_wall_ms();
    f->config.idempotency_window_ms = 5 * HOUR / 2;
    fixture_open(f);
    assert_ok(f->backend->journal->idle(f->conn, true));
    assert_int_equal(sql(f, "SELECT count(*) FROM key_runs"), 1);
    assert_int_equal(sql(f, "SELECT count(DISTINCT run) FROM key_chunks"), 1);
    assert_int_equal(verdict_of(f, 5), APPEND_STORED);
    assert_int_equal(verdict_of(f, 5), APPEND_DUPLICATE);
    assert_int_equal(verdict_of(f, FIRST + 5), APPEND_DUPLICATE);
    fixture_crash(f);
    assert_int_equal(verdict_of(f, 5), APPEND_DUPLICATE);
    assert_int_equal(verdict_of(f, FIRST + 5), APPEND_DUPLICATE);
}

// Few keys: the run is written when the oldest is as old as the window, and dropped one later.
static void test_keys_by_time(void **state)
{
    struct fixture *f = *state;
    fixture_close(f);
    f->config.idempotency_window_ms = HOUR;
    fixture_open(f);
    f->now_ms = clock_wall_ms() - HOUR - 1000;
    append_keys(f, 0, 1);
    f->now_ms = clock_wall_ms() - HOUR / 2;
    append_keys(f, 1, 1);
    assert_ok(f->backend->journal->idle(f->conn, true));
    assert_int_equal(sql(f, "SELECT count(*) FROM key_runs"), 1);
    f->now_ms = clock_wall_ms();
    assert_int_equal(verdict_of(f, 1), APPEND_DUPLICATE);
    assert_int_equal(verdict_of(f, 0), APPEND_STORED);
    // All that is remembered is older than the window: no run is written for it.
    fixture_close(f);
    f->config.idempotency_window_ms = 0;
    f->now_ms = clock_wall_ms();
    fixture_open(f);
    sleep(1);
    assert_ok(f->backend->journal->idle(f->conn, true));
    assert_int_equal(sql(f, "SELECT count(*) FROM key_runs"), 0);
    assert_int_equal(sql(f, "SELECT count(*) FROM key_tail"), 0);
}

// ---- runs ---------------------------------------------------------------------------------------

// Delivers events of webhook 1 and, now and then, of webhook 2, in an order of their own.
static void settle_run(struct fixture *f, size_t count)
{
    enum { BATCH = 1024 };
    static struct append appends[BATCH];
    static struct settlement settlements[BATCH];
    for (size_t i = 0; i < count; i += BATCH) {
        for (size_t k = 0; k < BATCH; k++) {
            uint32_t webhook = k % 100 == 7 ? 2 : 1;
            size_t other = (k * 389 + i) % BATCH; // a permutation
            appends[k] = (struct append){.event = fixture_event(f, NULL, &webhook, 1)};
            settlements[other] = fixture_outcome(delivery_id(appends[k].event->seq, 0), webhook,
                                                 k % 5 == 0 ? DELIVERY_DEAD : DELIVERY_DELIVERED);
        }
        assert_ok(f->backend->journal->commit(f->conn, appends, BATCH, settlements, BATCH));
        for (size_t k = 0; k < BATCH; k++)
            event_unref(appends[k].event);
    }
}

static size_t count_list(struct fixture *f, uint32_t webhook, uint32_t states)
{
    struct query_conn *query = NULL;
    struct errmsg message;
    struct arena arena;
    size_t found = 0;
    uint64_t last = UINT64_MAX;
    bool is_over = false;
    f->config.query_budget_ms = 60000;
    arena_init(&arena, (size_t)4 << 20);
    struct query_filter filter = {
        .arena = &arena, .limit = 250, .webhook = webhook, .states = states};
    assert_ok(f->backend->query->open(&query, &f->config, &message));
    while (!is_over) {
        struct query_deliveries page;
        arena_clear(&arena);
        assert_ok(f->backend->query->deliveries(query, &filter, &page));
        for (size_t i = 0; i < page.count; i++) {
            assert_true(page.rows[i].id < last);
            last = page.rows[i].id;
        }
        found += page.count;
        filter.before = page.scanned_to != 0 ? page.scanned_to : last;
        is_over = !page.has_more && page.scanned_to == 0;
        query_deliveries_deinit(&page);
    }
    f->backend->query->close(&query);
    arena_deinit(&arena);
    return found;
}

static void check_runs(struct fixture *f, size_t settled)
{
    assert_int_equal(count_list(f, 2, 0),
                     sql(f, "SELECT count(*) FROM deliveries WHERE webhook = 2"));
    assert_int_equal(count_list(f, 2, 1u << DELIVERY_DEAD),
                     sql(f, "SELECT count(*) FROM deliveries WHERE webhook = 2 AND state = 5"));
    assert_int_equal(sql(f, "SELECT count(*) FROM deliveries"), settled);
}

static void test_runs(void **state)
{
    struct fixture *f = *state;
    enum { RUN = SQLITE_RUNS_ENTRIES };
    settle_run(f, RUN);
    arm("store_run_flush:error:1");
    assert_int_equal(f->backend->journal->idle(f->conn, false), ERR_IO);
    arm("");
    assert_int_equal(sql(f, "SELECT count(*) FROM runs"), 0);
    check_runs(f, RUN); // out of the tail
    assert_ok(f->backend->journal->idle(f->conn, false));
    assert_int_equal(sql(f, "SELECT count(*) FROM runs"), 1);
    assert_int_equal(sql(f, "SELECT count(*) FROM run_tail"), 0);
    for (int i = 0; i < 2; i++) {
        settle_run(f, RUN);
        assert_ok(f->backend->journal->idle(f->conn, false));
    }
    settle_run(f, 2048);
    check_runs(f, (size_t)RUN * 3 + 2048);
    fixture_crash(f);
    check_runs(f, (size_t)RUN * 3 + 2048);
    assert_int_equal(f->backend->journal->gauges(f->conn).runs, 3);
    // What was in the tail goes into the next run.
    settle_run(f, RUN);
    assert_ok(f->backend->journal->idle(f->conn, false));
    check_runs(f, (size_t)RUN * 4 + 2048);
    assert_int_equal(sql(f, "SELECT count(*) FROM runs"), 4);
    assert_int_equal(count_list(f, 1, 1u << DELIVERY_DEAD),
                     sql(f, "SELECT count(*) FROM deliveries WHERE webhook = 1 AND state = 5"));
    // A settlement of long ago is in the newest run; it is found where its id belongs.
    struct settlement s = fixture_outcome(delivery_id(1, 0), 1, DELIVERY_FILTERED);
    s.attempts = 2;
    fixture_settle(f, &s);
    assert_int_equal(count_list(f, 1, 1u << DELIVERY_FILTERED), 1);
    assert_int_equal(count_list(f, 1, 0),
                     sql(f, "SELECT count(*) FROM deliveries WHERE webhook = 1"));
    assert_int_equal(sql(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = "
                            "'ok'"),
                     1);
}

// No list may need to sort: that would read all of it for one page.
static void test_plans(void **state)
{
    static const struct {
        const char *name, *text;
    } statements[] = {
#define X(name, who, text) {#name, text},
#include "store/sqlite_sql.def"
#undef X
    };
    struct fixture *f = *state;
    sqlite3 *db = NULL;
    size_t lists = 0;
    assert_int_equal(sqlite3_open(f->location, &db), SQLITE_OK);
    for (size_t i = 0; i < COUNT_OF(statements); i++) {
        char text[4096];
        sqlite3_stmt *statement = NULL;
        if (strncmp(statements[i].name, "LIST_", 5) != 0 &&
            strcmp(statements[i].name, "PENDING_DUE") != 0)
            continue;
        lists++;
        (void)snprintf(text, sizeof text, "EXPLAIN QUERY PLAN %s", statements[i].text);
        assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
        while (sqlite3_step(statement) == SQLITE_ROW) {
            const char *detail = (const char *)sqlite3_column_text(statement, 3);
            bool is_bad = strstr(detail, "TEMP B-TREE") != NULL || strcmp(detail, "SCAN") == 0;
            if (is_bad)
                print_error("%s: %s\n", statements[i].name, detail);
            assert_false(is_bad);
        }
        sqlite3_finalize(statement);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(lists > 10);
}

// ---- a disk that fills up -------------------------------------------------------------------------

static bool mount_small_disk(const char *folder)
{
    int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
    return unshare(flags) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", folder, "tmpfs", 0, "size=6m") == 0;
}

static void fill(const char *path, off_t bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(posix_fallocate(fd, 0, bytes), 0);
    close(fd);
}

static void test_full_disk(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/grapnel-full-XXXXXX";
    char ballast[64];
    uint64_t stored[4096];
    size_t count = 0;
    enum err err = OK;
    fixture_close(f);
    assert_non_null(mkdtemp(folder));
    if (!mount_small_disk(folder)) {
        print_message("a small disk cannot be mounted here\n");
        assert_int_equal(rmdir(folder), 0);
        fixture_open(f);
        skip();
    }
    (void)snprintf(ballast, sizeof ballast, "%s/ballast", folder);
    fill(ballast, 2 << 20);
    char location[96];
    (void)snprintf(location, sizeof location, "%s/test.db", folder);
    f->config.location = location;
    fixture_open(f);
    while (count < COUNT_OF(stored) && err == OK) {
        err = try_append(f, NULL, NULL);
        if (err == OK)
            stored[count++] = f->next_seq - 1;
        (void)!f->backend->journal->idle(f->conn, false);
    }
    assert_int_equal(err, ERR_NO_SPACE);
    assert_true(count > 100);
    struct settlement s = fixture_outcome(delivery_id(stored[0], 0), 7, DELIVERY_PENDING);
    assert_int_equal(f->backend->journal->commit(f->conn, NULL, 0, &s, 1), ERR_NO_SPACE);
    // Room again: it goes on without a restart, and nothing is missing.
    assert_int_equal(unlink(ballast), 0);
    assert_ok(try_append(f, NULL, NULL));
    fixture_settle(f, &s);
    fixture_close(f);
    fixture_open(f);
    assert_int_equal(fixture_owed(f, NULL, 0), count); // one more stored, one settled
    fixture_close(f);
    assert_int_equal(umount2(folder, MNT_DETACH), 0);
    assert_int_equal(rmdir(folder), 0);
    f->config.location = f->location;
    fixture_open(f);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_file),
        T(test_newer_version),
        T(test_foreign_file),
        T(test_no_folder),
        T(test_broken_migration),
        T(test_older_version),
        T(test_failed_commit),
        T(test_unknown_fate),
        T(test_failed_claim),
        T(test_failed_prune),
        T(test_low_space),
        T(test_broken_mark_is_seen),
        T(test_damaged_event),
        T(test_keys_in_runs),
        T(test_keys_by_time),
        T(test_runs),
        T(test_plans),
        T(test_full_disk),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
