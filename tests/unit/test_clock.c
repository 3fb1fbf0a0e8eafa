// SPDX-License-Identifier: MIT
// Tests of base/clock: the clocks, the test's own clock, what is refused; a child each.
#include <endian.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "support/child.h"

#define DAY_NS      (INT64_C(86400) * 1000000000)
#define HOUR_MS     (INT64_C(3600) * 1000)
#define DAY_MS      (24 * HOUR_MS)
#define CLOCK_BYTES 16 // time that has passed; how far the system's clock was set

static void test_clocks(void **state)
{
    (void)state;
    int64_t before = clock_mono_ns();
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_ns();
        assert_true(now >= before);
        before = now;
    }
    assert_in_range(clock_mono_ms() - before / 1000000, 0, 10000);
    assert_true(clock_wall_ms() > INT64_C(1700000000000)); // November 2023
    assert_in_range(clock_wall_ms() - clock_wall_ns() / 1000000, 0, 10000);
    assert_int_equal(clock_is_test(), 0);
}

static void test_cpu_time(void **state)
{
    (void)state;
    int64_t before = clock_thread_cpu_ns();
    volatile unsigned spent = 0;
    while (clock_thread_cpu_ns() - before < 1000000)
        spent++;
    before = clock_thread_cpu_ns();
    assert_int_equal(usleep(20000), 0);
    assert_true(clock_thread_cpu_ns() - before < 15000000); // sleeping is free
}

static void init(void)
{
    struct errmsg message = {""};
    enum err err = clock_init(&message);
    (void)fprintf(stderr, "%s %s", err_name(err), message.text);
    if (err != OK)
        _exit(1);
}

static void init_with(void *context)
{
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)setenv("GRAPNEL_CLOCK", context, 1);
    init();
}

static void init_without_test(void *context)
{
    (void)unsetenv("GRAPNEL_TEST");
    (void)setenv("GRAPNEL_CLOCK", context, 1);
    init();
}

static void init_plainly(void *context)
{
    (void)context;
    (void)setenv("GRAPNEL_TEST", "1", 1);
    (void)unsetenv("GRAPNEL_CLOCK");
    init();
    (void)setenv("GRAPNEL_CLOCK", "", 1);
    init();
    if (clock_is_test())
        _exit(3);
}

// The file of the test's clock, as the test sees it.
static int64_t *open_offset(char path[64])
{
    (void)strcpy(path, "/tmp/grapnel-clock-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, CLOCK_BYTES), 0);
    int64_t *offset = mmap(NULL, CLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(offset != MAP_FAILED);
    assert_int_equal(close(fd), 0);
    return offset;
}

struct travel {
    char path[64];
    int64_t *offset; // shared with the child
};

static void travel(void *context)
{
    struct travel *t = context;
    *t->offset = (int64_t)htole64((uint64_t)DAY_NS);
    init_with(t->path);
    if (!clock_is_test())
        _exit(2);
    int64_t mono = clock_mono_ns();
    int64_t wall = clock_wall_ms();
    *t->offset = (int64_t)htole64((uint64_t)(3 * DAY_NS));
    int64_t mono_passed = clock_mono_ns() - mono;
    int64_t wall_passed = (clock_wall_ms() - wall) * 1000000;
    if (mono_passed < 2 * DAY_NS || mono_passed > 2 * DAY_NS + DAY_NS / 24)
        _exit(3);
    if (wall_passed < 2 * DAY_NS || wall_passed > 2 * DAY_NS + DAY_NS / 24)
        _exit(4);
}

static void test_own_clock(void **state)
{
    (void)state;
    static struct child_end end;
    struct travel t;
    t.offset = open_offset(t.path);
    child_run(travel, &t, &end);
    assert_string_equal(end.text, "OK ");
    assert_int_equal(end.exit_code, 0);
    assert_int_equal(munmap(t.offset, CLOCK_BYTES), 0);
    assert_int_equal(unlink(t.path), 0);
}

// ---- somebody sets the system's clock ----------------------------------------

static void write_ms(int64_t *at, int64_t ms)
{
    *at = (int64_t)htole64((uint64_t)(ms * 1000000));
}

// Nearly: the test itself takes time.
static bool is_about(int64_t ms, int64_t expected)
{
    return ms > expected - 5000 && ms < expected + 5000;
}

static void expect(bool is_so, int number)
{
    if (!is_so)
        _exit(number);
}

static void set_far(void *context)
{
    struct travel *t = context;
    int64_t ten_years = 3650 * DAY_MS;
    struct clock_look look;
    init_with(t->path);
    int64_t wall = clock_wall_ms();
    clock_look(&look);
    expect(look.jump_ms == 0 && is_about(look.gap_ms, 0), 10);
    write_ms(&t->offset[1], ten_years);
    expect(is_about(clock_wall_ms(), wall), 11);
    expect(is_about(clock_system_ms(), wall + ten_years), 12);
    clock_look(&look);
    expect(is_about(look.jump_ms, ten_years) && is_about(look.gap_ms, ten_years), 13);
    expect(is_about(clock_wall_ms(), wall), 14);
    clock_look(&look);
    expect(look.jump_ms == 0 && is_about(look.gap_ms, ten_years), 15); // told once
    write_ms(&t->offset[1], 0);
    clock_look(&look);
    expect(is_about(look.jump_ms, -ten_years) && is_about(look.gap_ms, 0), 16);
    expect(is_about(clock_wall_ms(), wall), 17);
}

static void set_back(void *context)
{
    struct travel *t = context;
    struct clock_look look;
    init_with(t->path);
    int64_t wall = clock_wall_ms();
    clock_look(&look);
    write_ms(&t->offset[1], -DAY_MS);
    clock_look(&look);
    expect(is_about(look.jump_ms, -DAY_MS) && is_about(clock_wall_ms(), wall), 20);
    // A tenth of what passes: 1 h in 10, until the day is made up for.
    write_ms(&t->offset[0], 10 * HOUR_MS);
    clock_look(&look);
    expect(look.jump_ms == 0 && is_about(look.gap_ms, -23 * HOUR_MS), 21);
    expect(is_about(clock_wall_ms(), wall + 9 * HOUR_MS), 22);
    write_ms(&t->offset[0], 300 * HOUR_MS);
    clock_look(&look);
    expect(is_about(look.gap_ms, 0) && is_about(clock_wall_ms(), clock_system_ms()), 23);
}

// A machine that was paused, or whose clock was late at the start.
static void set_a_little(void *context)
{
    struct travel *t = context;
    struct clock_look look;
    init_with(t->path);
    int64_t wall = clock_wall_ms();
    int64_t mono = clock_mono_ms();
    clock_look(&look);
    write_ms(&t->offset[1], HOUR_MS / 2);
    clock_look(&look);
    expect(is_about(look.jump_ms, HOUR_MS / 2) && look.gap_ms == 0, 30);
    expect(is_about(clock_wall_ms(), wall + HOUR_MS / 2), 31);
    expect(is_about(clock_mono_ms(), mono), 32);
    write_ms(&t->offset[1], HOUR_MS / 2 + 500); // too little to be told
    clock_look(&look);
    expect(look.jump_ms == 0 && look.gap_ms == 0, 33);
}

static void test_system_clock_is_set(void **state)
{
    (void)state;
    static struct child_end end;
    static void (*const stories[])(void *) = {set_far, set_back, set_a_little};
    for (size_t i = 0; i < COUNT_OF(stories); i++) {
        struct travel t;
        t.offset = open_offset(t.path);
        child_run(stories[i], &t, &end);
        assert_int_equal(end.exit_code, 0);
        assert_int_equal(munmap(t.offset, CLOCK_BYTES), 0);
        assert_int_equal(unlink(t.path), 0);
    }
}

static void test_refused_outside_tests(void **state)
{
    (void)state;
    static struct child_end end;
    struct travel t;
    t.offset = open_offset(t.path);
    child_run(init_without_test, t.path, &end);
    assert_string_equal(end.text, "DENIED GRAPNEL_CLOCK is for tests: unset it, or set "
                                  "GRAPNEL_TEST=1 too");
    child_run(init_plainly, NULL, &end);
    assert_int_equal(end.exit_code, 0);
    assert_int_equal(munmap(t.offset, CLOCK_BYTES), 0);
    assert_int_equal(truncate(t.path, CLOCK_BYTES - 1), 0);
    child_run(init_with, t.path, &end);
    assert_int_equal(end.exit_code, 1);
    assert_non_null(strstr(end.text, "is no file of 16 bytes or more"));
    assert_int_equal(unlink(t.path), 0);
    child_run(init_with, t.path, &end);
    assert_int_equal(end.exit_code, 1);
    assert_memory_equal(end.text, "NOT_FOUND GRAPNEL_CLOCK: cannot open /tmp/", 40);
    char folder[] = "/tmp";
    child_run(init_with, folder, &end);
    assert_int_equal(end.exit_code, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clocks),
        cmocka_unit_test(test_cpu_time),
        cmocka_unit_test(test_own_clock),
        cmocka_unit_test(test_system_clock_is_set),
        cmocka_unit_test(test_refused_outside_tests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
