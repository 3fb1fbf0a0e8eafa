// SPDX-License-Identifier: MIT
// What the process uses: figures that move as the process does; the test's thread.
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/usage.h"

static void test_open_files_are_counted(void **state)
{
    struct usage before;
    struct usage after;
    int fds[7];
    (void)state;
    usage_read(&before);
    for (size_t i = 0; i < 7; i++) {
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        assert_true(fds[i] >= 0);
    }
    usage_read(&after);
    assert_int_equal(after.open_files - before.open_files, 7);
    for (size_t i = 0; i < 7; i++)
        (void)close(fds[i]);
    usage_read(&after);
    assert_int_equal(after.open_files, before.open_files);
}

static void test_memory_and_time_grow(void **state)
{
    enum { BYTES = 64 << 20 };
    struct usage before;
    struct usage after;
    (void)state;
    usage_read(&before);
    char *memory = malloc(BYTES);
    assert_true(memory != NULL);
    do {
        memset(memory, 1, BYTES);
        usage_read(&after);
    } while (after.cpu_seconds <= before.cpu_seconds + 0.05);
    assert_true(after.resident_bytes >= before.resident_bytes + BYTES);
    free(memory);
}

static void test_the_limit_is_the_soft_one(void **state)
{
    struct usage usage;
    struct rlimit limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 99;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    usage_read(&usage);
    assert_int_equal(usage.most_files, 99);
}

// An engine is not dumpable, and not root.
static void test_a_closed_process_sees_itself(void **state)
{
    struct usage usage;
    (void)state;
    assert_int_equal(prctl(PR_SET_DUMPABLE, 0), 0);
    if (getuid() == 0)
        assert_int_equal(seteuid(65534), 0);
    usage_read(&usage);
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0); // a search for leaks at the end needs its rights back
    assert_int_equal(prctl(PR_SET_DUMPABLE, 1), 0);
    assert_true(usage.open_files >= 3 && usage.resident_bytes > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_files_are_counted),
        cmocka_unit_test(test_memory_and_time_grow),
        cmocka_unit_test(test_the_limit_is_the_soft_one),
        cmocka_unit_test(test_a_closed_process_sees_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
