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
#include "load.h"

enum { ROUNDS = 40 };

struct world {
    struct fixture f;
    struct load_truth truths[LOAD_EVENTS];
};

// ---- the child ------------------------------------------------------------------------------------

// All notes of a commit by one write, which a pipe keeps whole.
static void tell(int pipe, const struct load_note *notes, size_t count)
{
    size_t len = count * sizeof *notes;
    if (len > 0 && write(pipe, notes, len) != (ssize_t)len)
        _exit(9);
}

static void run_child(struct fixture *f, int pipe, const char *failpoint)
{
    struct errmsg message;
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_FAILPOINT", failpoint, 1);
    if (failpoint_init(&message) != OK)
        _exit(6);
    struct load *load = load_new(f);
    fixture_open(f);
    if (load_start(load) != OK)
        _exit(5);
    while (!load_is_over(load)) {
        if (load_commit(load) != OK)
            _exit(8);
        tell(pipe, load->notes, load->note_count);
        if (f->backend->journal->idle(f->conn, rand_unit() < 0.05) != OK)
            _exit(7);
    }
    _exit(0);
}

// ---- the parent -----------------------------------------------------------------------------------

// Reads what the child tells until it is dead, and kills it when its time is over.
static void listen_to(struct world *w, int pipe, pid_t child, int64_t live_ms)
{
    struct load_note note;
    int64_t end = clock_mono_ms() + live_ms;
    bool is_killed = false;
    while (read(pipe, &note, sizeof note) == (ssize_t)sizeof note) {
        if (!is_killed && live_ms > 0 && clock_mono_ms() >= end) {
            assert_int_equal(kill(child, SIGKILL), 0);
            is_killed = true;
        }
        load_apply(w->truths, &note);
    }
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
        assert_int_equal(load_compare(w->truths, &w->f), 0);
    }
    size_t stored = 0;
    for (size_t i = 0; i < LOAD_EVENTS; i++)
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
        assert_int_equal(load_compare(w->truths, &w->f), 0);
    }
}

static void move_mark(struct world *w, const char *to)
{
    sqlite3 *db = NULL;
    char sql[96];
    (void)snprintf(sql, sizeof sql, "UPDATE meta SET v = %s WHERE k = 'low_water'", to);
    assert_int_equal(sqlite3_open(w->f.location, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

// The test of the test: a mark that is ahead, and an acknowledgement without a commit, are seen.
static void test_mistakes_are_seen(void **state)
{
    struct world *w = *state;
    size_t missed = 0;
    // A child that was killed before it had got anywhere owes nothing that could be missed.
    for (int i = 0; i < ROUNDS && missed == 0; i++) {
        round_of(w, "", 60);
        assert_int_equal(load_compare(w->truths, &w->f), 0);
        move_mark(w, "1000000");
        missed = load_compare(w->truths, &w->f);
        move_mark(w, "1");
    }
    assert_true(missed > 0);
    uint64_t last = LOAD_EVENTS - 1;
    while (!w->truths[last].is_stored)
        last--;
    w->truths[last + 1].is_stored = 1;
    assert_int_equal(load_compare(w->truths, &w->f), 1);
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
