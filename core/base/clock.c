// SPDX-License-Identifier: MIT
// The only source of time: monotonic for waiting, wall for records; any thread.
#include "base/clock.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/failpoint.h"

#define NS_PER_S  1000000000
#define NS_PER_MS 1000000

// Written by clock_init only; the file is mapped until the process ends.
static const _Atomic uint64_t *test_offset; // nanoseconds, little endian; NULL: no test

static enum err map_offset(const char *path, struct errmsg *message)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int error = errno;
        errmsg_set(message, "GRAPNEL_CLOCK: cannot open %s: %s", path, strerrordesc_np(error));
        return err_from_errno(error);
    }
    enum err err = OK;
    struct stat status;
    void *mapped = MAP_FAILED;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
        status.st_size < (off_t)sizeof *test_offset) {
        errmsg_set(message, "GRAPNEL_CLOCK: %s is no file of 8 bytes or more", path);
        err = ERR_SYNTAX;
        goto out;
    }
    mapped = mmap(NULL, sizeof *test_offset, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        int error = errno;
        errmsg_set(message, "GRAPNEL_CLOCK: cannot map %s: %s", path, strerrordesc_np(error));
        err = err_from_errno(error);
        goto out;
    }
    test_offset = mapped;
out:
    (void)close(fd);
    return err;
}

enum err clock_init(struct errmsg *message)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): before threads start
    const char *path = getenv("GRAPNEL_CLOCK");
    if (path == NULL || path[0] == '\0')
        return OK;
    if (!failpoint_is_test_run()) {
        errmsg_set(message, "GRAPNEL_CLOCK is for tests: unset it, or set GRAPNEL_TEST=1 too");
        return ERR_DENIED;
    }
    return map_offset(path, message);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t offset_ns(void)
{
    if (__builtin_expect(test_offset == NULL, 1))
        return 0;
    return (int64_t)le64toh(atomic_load_explicit(test_offset, memory_order_relaxed));
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_MONOTONIC) + offset_ns();
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

int64_t clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME) + offset_ns();
}

int64_t clock_wall_ms(void)
{
    return clock_wall_ns() / NS_PER_MS;
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int clock_is_test(void)
{
    return test_offset != NULL;
}
