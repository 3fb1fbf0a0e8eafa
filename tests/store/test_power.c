// SPDX-License-Identifier: MIT
// Power cuts at any write, and an I/O call that fails at any place: nothing that was acknowledged is
// lost; on a disk that lies it is, and this is seen. Test's thread.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rand.h"
#include "load.h"
#include "power.h"

enum { CUTS = 150, FAILURES = 120 };

struct world {
    struct fixture f;        // lives on the disk that is cut
    struct fixture found;    // what is found after a cut
    struct load_truth *told; // acknowledged so far
    struct load_truth *then; // as of the cut
    bool is_cut;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->told = xcalloc(LOAD_EVENTS, sizeof *w->told);
    w->then = xcalloc(LOAD_EVENTS, sizeof *w->then);
    fixture_init(&w->found, &sqlite_backend);
    fixture_close(&w->found);
    fixture_init(&w->f, &sqlite_backend);
    fixture_close(&w->f);
    power_watch(w->f.folder);
    fixture_open(&w->f);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    fixture_deinit(&w->f);
    power_reset();
    fixture_open(&w->found);
    fixture_deinit(&w->found);
    xfree(w->told);
    xfree(w->then);
    xfree(w);
    return 0;
}

static void on_cut(void *context)
{
    struct world *w = context;
    power_save(w->found.folder);
    memcpy(w->then, w->told, LOAD_EVENTS * sizeof *w->then);
    w->is_cut = true;
}

// Commits until the power is cut, somewhere within the next steps.
static void live(struct world *w, struct load *load, uint64_t within)
{
    w->is_cut = false;
    power_cut_at(power_steps() + 1 + rand_uint64() % within, on_cut, w);
    while (!w->is_cut) {
        assert_false(load_is_over(load));
        assert_ok(load_commit(load));
        for (size_t i = 0; i < load->note_count; i++)
            load_apply(w->told, &load->notes[i]);
        assert_ok(w->f.backend->journal->idle(w->f.conn, rand_unit() < 0.1));
    }
}

static void test_cuts(void **state)
{
    struct world *w = *state;
    struct load *load = load_new(&w->f);
    for (int i = 0; i < CUTS; i++) {
        live(w, load, 200);
        assert_int_equal(load_compare(w->then, &w->found), 0);
    }
    load_free(load);
}

// The test of the test.
static void test_lying_disk(void **state)
{
    struct world *w = *state;
    struct load *load = load_new(&w->f);
    bool is_seen = false;
    power_lie(true);
    for (int i = 0; i < CUTS && !is_seen; i++) {
        live(w, load, 200);
        struct journal_conn *conn = NULL;
        struct journal_start start = {0};
        struct errmsg message;
        // So little may be left that it is no database, or an empty one.
        enum err err = sqlite_backend.journal->open(&conn, &w->found.config, &start, &message);
        sqlite_backend.journal->close(&conn);
        xfree(start.due);
        is_seen = err != OK || load_compare(w->then, &w->found) > 0;
    }
    assert_true(is_seen);
    load_free(load);
    // Whatever is left must open again for the teardown.
    char path[128];
    (void)snprintf(path, sizeof path, "%s-wal", w->found.location);
    (void)unlink(path);
    (void)unlink(w->found.location);
}

static bool is_allowed(enum err err)
{
    return err == ERR_NO_SPACE || err == ERR_INTERRUPTED;
}

// The N-th write or sync fails, and all after it: the engine would stop. What is in the file then, as
// the system holds it, is what was acknowledged.
static void test_failing_calls(void **state)
{
    struct world *w = *state;
    for (uint64_t n = 1; n <= FAILURES; n++) {
        struct load *load = load_new(&w->f);
        enum err err = load_start(load);
        power_fail_at(power_steps() + n);
        while (err == OK) {
            assert_false(load_is_over(load));
            err = load_commit(load);
            for (size_t i = 0; i < load->note_count; i++)
                load_apply(w->told, &load->notes[i]);
            if (err == OK)
                err = w->f.backend->journal->idle(w->f.conn, true);
        }
        assert_true(is_allowed(err));
        power_fail_at(0);
        load_free(load);
        fixture_close(&w->f);
        assert_int_equal(load_compare(w->told, &w->f), 0);
        fixture_open(&w->f);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_cuts),
        T(test_lying_disk),
        T(test_failing_calls),
    };
#undef T
    power_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
