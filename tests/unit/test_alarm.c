// SPDX-License-Identifier: MIT
// Tests of base/alarm: by the test's clock, set again, cleared, stopped; a child each.
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alarm.h"
#include "base/clock.h"
#include "support/child.h"

#define DAY_MS      (INT64_C(86400) * 1000)
#define PATIENCE_MS 20000

// In the child: a loop, an alarm, and a clock that the test owns.
struct rig {
    uv_loop_t loop;
    struct alarm alarm;
    uv_timer_t patience; // ends a test that hangs
    int64_t *passed;     // the file of the clock
    int due;             // how often it was
    bool is_stopped, is_again;
};

static void on_due(void *context)
{
    struct rig *rig = context;
    rig->due++;
    if (rig->is_again && rig->due < 3)
        alarm_set(&rig->alarm, 0);
    else
        uv_stop(&rig->loop);
}

static void on_stopped(void *context)
{
    struct rig *rig = context;
    rig->is_stopped = true;
}

static void on_patience_over(uv_timer_t *timer)
{
    (void)timer;
    _exit(99);
}

static void setup(struct rig *rig)
{
    char path[] = "/tmp/grapnel-alarm-XXXXXX";
    struct errmsg message;
    int fd = mkstemp(path);
    if (fd < 0 || ftruncate(fd, 16) != 0)
        _exit(90);
    rig->passed = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_CLOCK", path, 1);
    if (clock_init(&message) != OK || uv_loop_init(&rig->loop) != 0 ||
        uv_timer_init(&rig->loop, &rig->patience) != 0 ||
        uv_timer_start(&rig->patience, on_patience_over, PATIENCE_MS, 0) != 0)
        _exit(91);
    (void)unlink(path);
    (void)close(fd);
    alarm_start(&rig->alarm, &rig->loop, on_due, rig);
}

static void teardown(struct rig *rig)
{
    alarm_stop(&rig->alarm, on_stopped);
    alarm_set(&rig->alarm, 0); // without effect
    uv_close((uv_handle_t *)&rig->patience, NULL);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    if (!rig->is_stopped || uv_loop_close(&rig->loop) != 0)
        _exit(92);
}

static void advance(struct rig *rig, int64_t ms)
{
    *rig->passed += (int64_t)htole64((uint64_t)(ms * 1000000));
}

static void on_tick(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

// Lets the loop turn for a while in which nothing may happen.
static void turn(struct rig *rig)
{
    uv_timer_t tick;
    if (uv_timer_init(&rig->loop, &tick) != 0 || uv_timer_start(&tick, on_tick, 30, 0) != 0)
        _exit(93);
    (void)uv_run(&rig->loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&tick, NULL);
    (void)uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static void days_pass(void *context)
{
    static struct rig rig;
    (void)context;
    setup(&rig);
    alarm_set(&rig.alarm, 3 * DAY_MS);
    advance(&rig, 2 * DAY_MS);
    turn(&rig);
    if (rig.due != 0 || !alarm_is_set(&rig.alarm) || alarm_due_in_ms(&rig.alarm) > DAY_MS)
        _exit(1);
    advance(&rig, 2 * DAY_MS);
    (void)uv_run(&rig.loop, UV_RUN_DEFAULT);
    if (rig.due != 1 || alarm_is_set(&rig.alarm))
        _exit(2);
    teardown(&rig);
}

static void set_again_and_cleared(void *context)
{
    static struct rig rig;
    (void)context;
    setup(&rig);
    alarm_set(&rig.alarm, 1);
    alarm_set(&rig.alarm, 2 * DAY_MS); // the last one counts
    advance(&rig, DAY_MS);
    turn(&rig);
    if (rig.due != 0)
        _exit(1);
    alarm_clear(&rig.alarm);
    advance(&rig, 2 * DAY_MS);
    turn(&rig);
    if (rig.due != 0 || alarm_is_set(&rig.alarm))
        _exit(2);
    rig.is_again = true;
    alarm_set(&rig.alarm, -5); // late already
    (void)uv_run(&rig.loop, UV_RUN_DEFAULT);
    if (rig.due != 3)
        _exit(3);
    alarm_set(&rig.alarm, DAY_MS);
    teardown(&rig);
}

static void run(void (*story)(void *context))
{
    static struct child_end end;
    child_run(story, NULL, &end);
    assert_string_equal(end.text, "");
    assert_int_equal(end.exit_code, 0);
}

static void test_days_pass(void **state)
{
    (void)state;
    run(days_pass);
}

static void test_set_again_and_cleared(void **state)
{
    (void)state;
    run(set_again_and_cleared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_pass),
        cmocka_unit_test(test_set_again_and_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
