// SPDX-License-Identifier: MIT
// kill -9 at random moments and at each failpoint: what is found afterwards equals what was told;
// test's process is the parent, the store runs in a child.
//
// The child tells through a pipe what was committed. After its death the parent opens the file: every
// acknowledged event is there, every acknowledged settlement holds, and what is owed is exactly what
// has neither row, found by a full scan.
#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "base/rand.h"
#include "fixture.h"

enum { MAX_EVENTS = 60000, PLACES = 3, BATCH = 40, ROUNDS = 40 };

// One thing that was committed. All of a commit are told by one write, which a pipe keeps whole.
struct note {
    enum { NOTE_APPEND = 1, NOTE_FINAL, NOTE_PENDING } kind;
    uint64_t id; // seq, or delivery
};

struct truth {
    uint8_t is_stored;       // acknowledged
    uint8_t final[PLACES];   // 1: acknowledged
    uint8_t pending[PLACES]; // 1: acknowledged, and nothing after it
};

struct world {
    struct fixture f;
    struct truth truths[MAX_EVENTS];
};

static const uint32_t numbers[PLACES] = {1, 2, 3};

static uint8_t webhooks_of(uint64_t seq)
{
    return (uint8_t)(seq * 2654435761u >> 8) % (PLACES + 1);
}

// ---- the child ------------------------------------------------------------------------------------

static void tell(int pipe, const struct note *notes, size_t count)
{
    size_t len = count * sizeof *notes;
    if (len > 0 && write(pipe, notes, len) != (ssize_t)len)
        _exit(9);
}

struct job {
    struct fixture *f;
    struct append appends[BATCH];
    struct settlement settlements[BATCH];
    struct note notes[BATCH * 2];
    size_t append_count, settlement_count, note_count;
    uint64_t *open; // deliveries without a final row, in memory
    size_t open_count;
    uint8_t *has_row; // by place in `open`
};

static void add_settlement(struct job *job, size_t place)
{
    bool is_final = rand_unit() < 0.8;
    uint64_t id = job->open[place];
    struct settlement s = fixture_outcome(id, numbers[delivery_index(id)],
                                          is_final ? DELIVERY_DELIVERED : DELIVERY_PENDING);
    s.has_row = job->has_row[place];
    s.attempt = SPAN("some record of an attempt");
    job->settlements[job->settlement_count++] = s;
    job->notes[job->note_count++] =
        (struct note){.kind = is_final ? NOTE_FINAL : NOTE_PENDING, .id = id};
    job->has_row[place] = 1;
    if (!is_final)
        return;
    job->open[place] = job->open[--job->open_count];
    job->has_row[place] = job->has_row[job->open_count];
}

static void add_append(struct job *job)
{
    uint64_t seq = job->f->next_seq;
    uint8_t count = webhooks_of(seq);
    job->appends[job->append_count++] = (struct append){
        .event = fixture_event(job->f, rand_unit() < 0.3 ? "same key" : NULL, numbers, count)};
}

static void take_stored(struct job *job)
{
    for (size_t i = 0; i < job->append_count; i++) {
        const struct event *event = job->appends[i].event;
        if (job->appends[i].verdict == APPEND_STORED) {
            job->notes[job->note_count++] = (struct note){.kind = NOTE_APPEND, .id = event->seq};
            for (uint32_t k = 0; k < event->webhook_count; k++) {
                job->has_row[job->open_count] = 0;
                job->open[job->open_count++] = delivery_id(event->seq, k);
            }
        }
        event_unref(job->appends[i].event);
    }
}

static void one_commit(struct job *job, int pipe)
{
    job->append_count = job->settlement_count = job->note_count = 0;
    size_t settle = (size_t)(rand_unit() * BATCH);
    for (size_t i = 0; i < settle && job->open_count > 0; i++) {
        // The newest and some old ones, so that the mark moves and sticks.
        size_t back = rand_unit() < 0.1 ? job->open_count : 60;
        size_t from = job->open_count > back ? job->open_count - back : 0;
        add_settlement(job, from + (size_t)(rand_unit() * (double)(job->open_count - from)));
    }
    size_t append = (size_t)(rand_unit() * BATCH / 2);
    for (size_t i = 0; i < append && job->f->next_seq < MAX_EVENTS; i++)
        add_append(job);
    if (job->f->backend->journal->commit(job->f->conn, job->appends, job->append_count,
                                         job->settlements, job->settlement_count) != OK)
        _exit(8);
    take_stored(job);
    tell(pipe, job->notes, job->note_count);
    if (job->f->backend->journal->idle(job->f->conn, rand_unit() < 0.05) != OK)
        _exit(7);
}

static void take_rows(struct job *job, const struct claimed *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        job->has_row[job->open_count] = rows[i].has_row;
        job->open[job->open_count++] = rows[i].delivery;
        event_unref(rows[i].event);
    }
}

// What the one before it owed, and what waits.
static void take_up(struct job *job)
{
    const struct journal *journal = job->f->backend->journal;
    struct claimed rows[256];
    size_t count = 0;
    do {
        if (journal->owed(job->f->conn, COUNT_OF(rows), rows, &count) != OK)
            _exit(5);
        take_rows(job, rows, count);
    } while (count > 0);
    for (size_t i = 0; i < PLACES; i++) {
        struct claim wish = {
            .webhook = numbers[i], .now_ms = INT64_MAX - 1, .max = COUNT_OF(rows), .rows = rows};
        do {
            if (journal->claim(job->f->conn, &wish) != OK)
                _exit(4);
            take_rows(job, rows, wish.count);
        } while (wish.count > 0);
    }
}

static void run_child(struct fixture *f, int pipe, const char *failpoint)
{
    struct errmsg message;
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_FAILPOINT", failpoint, 1);
    if (failpoint_init(&message) != OK)
        _exit(6);
    struct job *job = xcalloc(1, sizeof *job);
    job->f = f;
    job->open = xcalloc((size_t)MAX_EVENTS * PLACES, sizeof *job->open);
    job->has_row = xcalloc((size_t)MAX_EVENTS * PLACES, 1);
    fixture_open(f);
    take_up(job);
    while (f->next_seq < MAX_EVENTS - BATCH)
        one_commit(job, pipe);
    _exit(0);
}

// ---- the parent -----------------------------------------------------------------------------------

static void apply(struct world *w, const struct note *note)
{
    uint64_t seq = note->kind == NOTE_APPEND ? note->id : delivery_seq(note->id);
    struct truth *t = &w->truths[seq];
    uint32_t k = delivery_index(note->id);
    switch (note->kind) {
    case NOTE_APPEND: t->is_stored = 1; break;
    case NOTE_FINAL:
        t->final[k] = 1;
        t->pending[k] = 0;
        break;
    case NOTE_PENDING: t->pending[k] = 1; break;
    }
}

// Reads what the child tells until it is dead, and kills it when its time is over.
static void listen_to(struct world *w, int pipe, pid_t child, int64_t live_ms)
{
    struct note note;
    int64_t end = clock_mono_ms() + live_ms;
    bool is_killed = false;
    while (read(pipe, &note, sizeof note) == (ssize_t)sizeof note) {
        if (!is_killed && live_ms > 0 && clock_mono_ms() >= end) {
            assert_int_equal(kill(child, SIGKILL), 0);
            is_killed = true;
        }
        apply(w, &note);
    }
}

// What a full scan of the file finds.
struct scan {
    uint8_t is_there[MAX_EVENTS];
    uint8_t final[MAX_EVENTS][PLACES], pending[MAX_EVENTS][PLACES], owed[MAX_EVENTS][PLACES];
};

static void scan_table(sqlite3 *db, const char *text, uint8_t (*places)[PLACES], uint8_t *events)
{
    sqlite3_stmt *statement = NULL;
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        uint64_t id = (uint64_t)sqlite3_column_int64(statement, 0);
        if (events != NULL)
            events[id] = 1;
        else
            places[delivery_seq(id)][delivery_index(id)] = 1;
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void scan_file(struct fixture *f, struct scan *scan)
{
    sqlite3 *db = NULL;
    uint64_t *owed = xcalloc((size_t)MAX_EVENTS * PLACES, sizeof *owed);
    fixture_open(f);
    size_t count = fixture_owed(f, owed, (size_t)MAX_EVENTS * PLACES);
    for (size_t i = 0; i < count; i++)
        scan->owed[delivery_seq(owed[i])][delivery_index(owed[i])] = 1;
    assert_int_equal(sqlite3_open_v2(f->location, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    scan_table(db, "SELECT seq FROM events", NULL, scan->is_there);
    scan_table(db, "SELECT id FROM deliveries", scan->final, NULL);
    scan_table(db, "SELECT id FROM pending", scan->pending, NULL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    fixture_close(f);
    xfree(owed);
}

// Number of things that are not as they were told; 0 is what must be.
static size_t compare(struct world *w)
{
    size_t wrong = 0;
    struct scan *scan = xcalloc(1, sizeof *scan);
    scan_file(&w->f, scan);
    for (uint64_t seq = 1; seq < MAX_EVENTS; seq++) {
        struct truth *t = &w->truths[seq];
        wrong += t->is_stored && !scan->is_there[seq];
        for (uint32_t k = 0; k < PLACES; k++) {
            bool is_final = scan->final[seq][k];
            bool is_pending = scan->pending[seq][k];
            bool is_owed = scan->is_there[seq] && k < webhooks_of(seq) && !is_final && !is_pending;
            wrong += t->final[k] && !is_final;
            wrong += t->pending[k] && !is_pending && !is_final;
            wrong += is_final && is_pending;
            wrong += is_owed != scan->owed[seq][k];
            t->final[k] = is_final; // what was in doubt is known now
            t->pending[k] = is_pending;
        }
        t->is_stored = scan->is_there[seq];
    }
    xfree(scan);
    return wrong;
}

static void round_of(struct world *w, const char *failpoint, int64_t live_ms)
{
    int ends[2];
    int status = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        run_child(&w->f, ends[1], failpoint);
    }
    close(ends[1]);
    listen_to(w, ends[0], child, live_ms);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSIGNALED(status) && WEXITSTATUS(status) != 0)
        print_error("the child ended with %d\n", WEXITSTATUS(status));
    assert_true((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
                (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    fixture_init(&w->f, &sqlite_backend);
    fixture_close(&w->f);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    fixture_open(&w->f);
    fixture_deinit(&w->f);
    xfree(w);
    return 0;
}

static void test_kills(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < ROUNDS; i++) {
        round_of(w, "", 1 + (int64_t)(rand_unit() * 40));
        assert_int_equal(compare(w), 0);
    }
    size_t stored = 0;
    for (size_t i = 0; i < MAX_EVENTS; i++)
        stored += w->truths[i].is_stored;
    assert_true(stored > ROUNDS * 10); // it did live between the kills
}

static void test_failpoints(void **state)
{
    static const char *const points[] = {"store_before_insert", "store_before_commit",
                                         "store_after_commit", "store_run_flush",
                                         "store_checkpoint"};
    struct world *w = *state;
    for (size_t i = 0; i < COUNT_OF(points) * 2; i++) {
        char failpoint[64];
        bool is_rare = i % COUNT_OF(points) >= 3;
        (void)snprintf(failpoint, sizeof failpoint, "%s:kill:%d", points[i % COUNT_OF(points)],
                       is_rare ? 1 : 1 + (int)(rand_unit() * 30));
        round_of(w, failpoint, 0);
        assert_int_equal(compare(w), 0);
    }
}

// The test of the test: a mark that is ahead, and an acknowledgement without a commit, are seen.
static void test_mistakes_are_seen(void **state)
{
    struct world *w = *state;
    sqlite3 *db = NULL;
    round_of(w, "", 60);
    assert_int_equal(compare(w), 0);
    assert_int_equal(sqlite3_open(w->f.location, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE meta SET v = 1000000 WHERE k = 'low_water'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_true(compare(w) > 0);
    uint64_t last = MAX_EVENTS - 1;
    while (!w->truths[last].is_stored)
        last--;
    w->truths[last + 1].is_stored = 1;
    assert_int_equal(sqlite3_open(w->f.location, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE meta SET v = 1 WHERE k = 'low_water'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(compare(w), 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_kills),
        T(test_failpoints),
        T(test_mistakes_are_seen),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
