// SPDX-License-Identifier: MIT
// The only source of time: monotonic for waiting, wall for records; any thread.
#include "base/clock.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/failpoint.h"

#define NS_PER_S    1000000000
#define NS_PER_MS   1000000
#define BELIEVED    (INT64_C(3600) * NS_PER_S) // a step forward that is taken over at once
#define SLEW        10                         // else a tenth of the time that passes
#define JUMP        (INT64_C(1) * NS_PER_S)    // a step that is told
#define STILL       (10 * NS_PER_MS)           // two clocks read within that are read together
#define STILL_TRIES 5

// What a test has written.
struct test_clock {
    _Atomic uint64_t passed; // nanoseconds, little endian, like the next
    _Atomic uint64_t set;
};

// Both clocks at one moment.
struct moment {
    int64_t mono_ns, system_ns;
};

// Written by clock_init only; the file is mapped until the process ends.
static struct test_clock *test_clock; // NULL: no test
// clock_wall_ns() - clock_mono_ns(); 0: nobody has asked yet.
static _Atomic int64_t wall_ahead_ns;
// Of the thread that looks.
static struct moment last_look;
static int64_t last_gap_ns;

static enum err map_clock(const char *path, struct errmsg *message)
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
        status.st_size < (off_t)sizeof *test_clock) {
        errmsg_set(message, "GRAPNEL_CLOCK: %s is no file of 16 bytes or more", path);
        err = ERR_SYNTAX;
        goto out;
    }
    mapped = mmap(NULL, sizeof *test_clock, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
        int error = errno;
        errmsg_set(message, "GRAPNEL_CLOCK: cannot map %s: %s", path, strerrordesc_np(error));
        err = err_from_errno(error);
        goto out;
    }
    test_clock = mapped;
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
    return map_clock(path, message);
}

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    CHECK(clock_gettime(id, &now) == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static int64_t passed_ns(void)
{
    if (__builtin_expect(test_clock == NULL, 1))
        return 0;
    return (int64_t)le64toh(atomic_load_explicit(&test_clock->passed, memory_order_relaxed));
}

static int64_t set_ns(void)
{
    if (__builtin_expect(test_clock == NULL, 1))
        return 0;
    return (int64_t)le64toh(atomic_load_explicit(&test_clock->set, memory_order_relaxed));
}

int64_t clock_mono_ns(void)
{
    return read_clock(CLOCK_BOOTTIME) + passed_ns();
}

int64_t clock_mono_ms(void)
{
    return clock_mono_ns() / NS_PER_MS;
}

int64_t clock_system_ms(void)
{
    return (read_clock(CLOCK_REALTIME) + passed_ns() + set_ns()) / NS_PER_MS;
}

// A thread that was not running between the two calls has read two moments: then once more.
static struct moment read_both(void)
{
    int64_t before = 0;
    int64_t after = 0;
    int64_t system = 0;
    for (int i = 0; i < STILL_TRIES; i++) {
        before = read_clock(CLOCK_BOOTTIME);
        system = read_clock(CLOCK_REALTIME);
        after = read_clock(CLOCK_BOOTTIME);
        if (after - before < STILL)
            break;
    }
    int64_t passed = passed_ns();
    return (struct moment){.mono_ns = before + passed, .system_ns = system + passed + set_ns()};
}

static int64_t wall_ahead(void)
{
    int64_t ahead = atomic_load_explicit(&wall_ahead_ns, memory_order_relaxed);
    if (__builtin_expect(ahead != 0, 1))
        return ahead;
    struct moment now = read_both();
    int64_t fresh = now.system_ns - now.mono_ns;
    return atomic_compare_exchange_strong(&wall_ahead_ns, &ahead, fresh) ? fresh : ahead;
}

int64_t clock_wall_ns(void)
{
    int64_t ahead = wall_ahead(); // first: it may be what sets the clock going
    return clock_mono_ns() + ahead;
}

int64_t clock_wall_ms(void)
{
    return clock_wall_ns() / NS_PER_MS;
}

int64_t clock_gap_ms(void)
{
    int64_t ahead = wall_ahead();
    struct moment now = read_both();
    return (now.system_ns - now.mono_ns - ahead) / NS_PER_MS;
}

static int64_t clamp(int64_t value, int64_t most)
{
    return value > most ? most : value < -most ? -most : value;
}

void clock_look(struct clock_look *out)
{
    int64_t ahead = wall_ahead();
    struct moment now = read_both();
    bool is_first = last_look.mono_ns == 0;
    int64_t gap = now.system_ns - (now.mono_ns + ahead);
    int64_t jump = is_first ? gap : gap - last_gap_ns;
    int64_t most = is_first ? 0 : (now.mono_ns - last_look.mono_ns) / SLEW;
    int64_t step = gap > 0 && gap <= BELIEVED ? gap : clamp(gap, most);
    atomic_store_explicit(&wall_ahead_ns, ahead + step, memory_order_relaxed);
    last_look = now;
    last_gap_ns = gap - step;
    *out = (struct clock_look){
        .jump_ms = jump >= JUMP || jump <= -JUMP ? jump / NS_PER_MS : 0,
        .gap_ms = last_gap_ns / NS_PER_MS,
    };
}

int64_t clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

int clock_is_test(void)
{
    return test_clock != NULL;
}
