// SPDX-License-Identifier: MIT
// The store's threads: group commit, order, shutdown, failures told once; test's thread is main.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "fixture.h"
#include "store/store.h"

#define MAX_OPS 4096

struct bench {
    struct fixture f; // its folder and config; the connection is closed
    uv_loop_t loop;
    struct store *store;
    struct journal_start start;
    struct store_op *order[MAX_OPS]; // finished, in order
    size_t finished;
    size_t wanted;
    bool is_stopped;
    unsigned fatals;
};

static void on_fatal(void *context, const char *why)
{
    struct bench *b = context;
    assert_non_null(why);
    b->fatals++;
}

static void start(struct bench *b)
{
    struct errmsg message;
    assert_ok(store_start(&b->store, &b->loop, &sqlite_backend, &b->f.config, &b->start, on_fatal,
                          b, &message));
    b->f.next_seq = b->start.next_seq;
    b->is_stopped = false;
}

static void on_stopped(void *context)
{
    struct bench *b = context;
    b->is_stopped = true;
}

static void stop(struct bench *b)
{
    store_stop(b->store, on_stopped, b);
    assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    assert_true(b->is_stopped);
    xfree(b->start.due);
    b->start.due = NULL;
}

static int setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    fixture_init(&b->f, &sqlite_backend);
    fixture_close(&b->f);
    assert_int_equal(uv_loop_init(&b->loop), 0);
    start(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    if (!b->is_stopped)
        stop(b);
    assert_int_equal(uv_loop_close(&b->loop), 0);
    fixture_deinit(&b->f);
    xfree(b);
    return 0;
}

static void on_done(struct store_op *op)
{
    struct bench *b = op->context;
    b->order[b->finished++] = op;
    if (b->finished == b->wanted)
        uv_stop(&b->loop);
}

static void wait_for(struct bench *b, size_t count)
{
    b->wanted = count;
    if (b->finished < count)
        (void)uv_run(&b->loop, UV_RUN_DEFAULT);
    assert_int_equal(b->finished, count);
}

static void submit_append(struct bench *b, struct store_append *op)
{
    store_op_init(&op->op, STORE_APPEND, on_done, b);
    op->append = (struct append){.event = fixture_event(&b->f, NULL, (const uint32_t[]){7}, 1)};
    store_submit(b->store, &op->op);
}

static void submit_settle(struct bench *b, struct store_settle *op, struct settlement settlement)
{
    store_op_init(&op->op, STORE_SETTLE, on_done, b);
    op->settlement = settlement;
    store_submit(b->store, &op->op);
}

static void test_group_commit(void **state)
{
    struct bench *b = *state;
    enum { COUNT = 1500 };
    struct store_append *ops = xcalloc(COUNT, sizeof *ops);
    struct store_stats stats;
    for (size_t i = 0; i < COUNT; i++)
        submit_append(b, &ops[i]);
    wait_for(b, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_ptr_equal(b->order[i], &ops[i].op);
        assert_ok(ops[i].op.err);
        assert_int_equal(ops[i].append.verdict, APPEND_STORED);
        event_unref(ops[i].append.event);
    }
    store_stats(b->store, &stats);
    assert_int_equal(stats.commits, 3); // 512 at most in each
    assert_int_equal(stats.batch_items, COUNT);
    assert_int_equal(stats.gauges.low_water_lag, COUNT);
    stop(b);
    start(b);
    assert_int_equal(b->start.next_seq, COUNT + 1);
    xfree(ops);
}

// Settlements, claims and a cancel submitted in one turn see each other in that order.
static void test_order(void **state)
{
    struct bench *b = *state;
    struct store_append append;
    struct store_settle later;
    struct store_settle done;
    struct claimed rows[4];
    struct store_claim claim = {.webhook = 7, .now_ms = b->f.now_ms, .max = 4, .rows = rows};
    struct store_cancel cancel = {.webhook = 7, .now_ms = b->f.now_ms, .max = 100, .count = 99};
    struct redo redo = {0};
    struct store_retry retry = {.list = &redo, .count = 1, .now_ms = b->f.now_ms};
    submit_append(b, &append);
    uint64_t id = delivery_id(append.append.event->seq, 0);
    struct settlement s = fixture_outcome(id, 7, DELIVERY_PENDING);
    s.due_ms = b->f.now_ms;
    submit_settle(b, &later, s);
    store_op_init(&claim.op, STORE_CLAIM, on_done, b);
    store_submit(b->store, &claim.op);
    store_op_init(&cancel.op, STORE_CANCEL, on_done, b);
    store_submit(b->store, &cancel.op);
    s = fixture_outcome(id, 7, DELIVERY_DEAD);
    s.has_row = true;
    submit_settle(b, &done, s);
    redo.delivery = id;
    store_op_init(&retry.op, STORE_RETRY, on_done, b);
    store_submit(b->store, &retry.op);
    wait_for(b, 6);
    assert_ok(claim.op.err);
    assert_int_equal(claim.count, 1);
    assert_int_equal(rows[0].delivery, id);
    assert_int_equal(cancel.count, 0); // claimed
    assert_ok(done.op.err);
    assert_ok(retry.op.err);
    assert_ok(redo.err);
    assert_int_equal(redo.webhook, 7);
    assert_ptr_equal(b->order[5], &retry.op);
    event_unref(rows[0].event);
    event_unref(append.append.event);
}

static void test_stop_finishes(void **state)
{
    struct bench *b = *state;
    struct store_append ops[100];
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        submit_append(b, &ops[i]);
    stop(b);
    assert_int_equal(b->finished, COUNT_OF(ops));
    for (size_t i = 0; i < COUNT_OF(ops); i++)
        event_unref(ops[i].append.event);
    start(b);
    assert_int_equal(b->start.next_seq, COUNT_OF(ops) + 1);
    struct claimed rows[256];
    size_t count = 0;
    assert_ok(store_owed(b->store, COUNT_OF(rows), rows, &count));
    assert_int_equal(count, COUNT_OF(ops));
    for (size_t i = 0; i < count; i++)
        event_unref(rows[i].event);
}

static void on_loaded(void *context, const struct object *object)
{
    size_t *count = context;
    assert_true(span_is(object->key, "a"));
    ++*count;
}

static void test_objects(void **state)
{
    struct bench *b = *state;
    struct store_object ops[2] = {0};
    size_t count = 0;
    for (size_t i = 0; i < 2; i++) {
        store_op_init(&ops[i].op, STORE_PUT, on_done, b);
        ops[i].object =
            (struct object){.kind = OBJECT_WEBHOOK, .key = SPAN("a"), .body = SPAN("{}")};
        store_submit(b->store, &ops[i].op);
    }
    wait_for(b, 2);
    assert_ok(ops[0].op.err);
    assert_int_equal(ops[0].object.number, 1);
    assert_int_equal(ops[1].op.err, ERR_EXISTS);
    assert_int_equal(b->fatals, 0);
    stop(b);
    start(b);
    assert_ok(store_load(b->store, OBJECT_WEBHOOK, on_loaded, &count));
    assert_int_equal(count, 1);
}

// A submission made in a callback must not wait for something else to happen.
static void on_first(struct store_op *op)
{
    struct bench *b = op->context;
    struct store_append *second = (struct store_append *)op + 1;
    b->order[b->finished++] = op;
    submit_append(b, second);
}

static void test_submit_in_callback(void **state)
{
    struct bench *b = *state;
    struct store_append ops[2];
    submit_append(b, &ops[0]);
    ops[0].op.on_done = on_first;
    int64_t begin = clock_mono_ms();
    wait_for(b, 2);
    assert_true(clock_mono_ms() - begin < 900); // no timer helped
    for (size_t i = 0; i < 2; i++)
        event_unref(ops[i].append.event);
}

static void on_first_stops(struct store_op *op)
{
    struct bench *b = op->context;
    b->finished++;
    store_stop(b->store, on_stopped, b);
}

static void test_stop_in_callback(void **state)
{
    struct bench *b = *state;
    struct store_append op;
    submit_append(b, &op);
    op.op.on_done = on_first_stops;
    assert_int_equal(uv_run(&b->loop, UV_RUN_DEFAULT), 0);
    assert_true(b->is_stopped);
    event_unref(op.append.event);
    xfree(b->start.due);
    b->start.due = NULL;
}

static void test_second_engine(void **state)
{
    struct bench *b = *state;
    struct store *second = NULL;
    struct journal_start found = {0};
    struct errmsg message;
    assert_int_equal(store_start(&second, &b->loop, &sqlite_backend, &b->f.config, &found, on_fatal,
                                 b, &message),
                     ERR_BUSY);
    assert_non_null(strstr(message.text, "another engine (process "));
    assert_null(second);
}

// One event that is too large to store does not take the others of its commit with it.
static void test_bad_neighbour(void **state)
{
    struct bench *b = *state;
    struct store_append ops[3];
    struct store_append huge = {0};
    char *payload = xcalloc(1, (size_t)81 << 20);
    submit_append(b, &ops[0]);
    store_op_init(&huge.op, STORE_APPEND, on_done, b);
    huge.append.event = event_new(&(struct event_source){
        .tenant = SPAN("default"),
        .name = SPAN("x"),
        .payload = span_make(payload, (size_t)81 << 20),
    });
    huge.append.event->seq = b->f.next_seq++;
    store_submit(b->store, &huge.op);
    submit_append(b, &ops[1]);
    submit_append(b, &ops[2]);
    wait_for(b, 4);
    assert_int_equal(huge.op.err, ERR_RANGE);
    for (size_t i = 0; i < 3; i++) {
        assert_ok(ops[i].op.err);
        event_unref(ops[i].append.event);
    }
    event_unref(huge.append.event);
    xfree(payload);
    assert_int_equal(b->fatals, 0);
}

static void test_file_removed(void **state)
{
    struct bench *b = *state;
    struct store_append ops[2];
    char moved[128];
    (void)snprintf(moved, sizeof moved, "%s.moved", b->f.location);
    assert_int_equal(rename(b->f.location, moved), 0);
    sleep(1); // it is looked at once a second
    submit_append(b, &ops[0]);
    wait_for(b, 1);
    assert_int_equal(ops[0].op.err, ERR_INTERRUPTED);
    submit_append(b, &ops[1]);
    wait_for(b, 2);
    assert_int_equal(ops[1].op.err, ERR_CLOSED);
    assert_int_equal(b->fatals, 1);
    stop(b);
    assert_int_equal(rename(moved, b->f.location), 0);
    fixture_open(&b->f);
    event_unref(ops[0].append.event);
    event_unref(ops[1].append.event);
}

static enum err read_nothing(const struct query *query, struct query_conn *conn, void *context)
{
    (void)context;
    return query != NULL && conn != NULL ? ERR_NOT_FOUND : OK;
}

static void test_read(void **state)
{
    struct bench *b = *state;
    struct store_read read = {.read = read_nothing};
    struct store_stats stats;
    store_op_init(&read.op, STORE_READ, on_done, b);
    store_submit(b->store, &read.op);
    wait_for(b, 1);
    assert_int_equal(read.op.err, ERR_NOT_FOUND);
    store_stats(b->store, &stats);
    assert_int_equal(stats.reads, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_group_commit),       T(test_order),
        T(test_stop_finishes),      T(test_objects),
        T(test_submit_in_callback), T(test_stop_in_callback),
        T(test_second_engine),      T(test_bad_neighbour),
        T(test_file_removed),       T(test_read),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
