// SPDX-License-Identifier: MIT
// Named threads that leave signals to main; any thread.
#include "base/thread.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

#define NAME_LEN 16 // bytes with the NUL; Linux has no longer ones

struct start {
    void (*run)(void *context); // what the thread does
    void *context;              // borrowed
    char name[NAME_LEN];        // of the thread
};

static void on_start(void *argument)
{
    struct start start = *(struct start *)argument;
    xfree(argument);
    CHECK(pthread_setname_np(pthread_self(), start.name) == 0);
    start.run(start.context);
}

// Everything but what a fault raises in the thread itself: blocked, that would only lose the
// report of it.
static void fill_blocked(sigset_t *blocked)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    CHECK(sigfillset(blocked) == 0);
    for (size_t i = 0; i < COUNT_OF(faults); i++)
        CHECK(sigdelset(blocked, faults[i]) == 0);
}

void thread_start(uv_thread_t *thread, const char *name, void (*run)(void *context), void *context)
{
    struct start *start = xcalloc(1, sizeof *start);
    start->run = run;
    start->context = context;
    CHECK(strlen(name) < sizeof start->name);
    memcpy(start->name, name, strlen(name) + 1);
    sigset_t blocked;
    sigset_t before;
    fill_blocked(&blocked);
    CHECK(pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0); // inherited by the new thread
    CHECK(uv_thread_create(thread, on_start, start) == 0);
    CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
}

void thread_join(uv_thread_t *thread)
{
    CHECK(uv_thread_join(thread) == 0);
}
