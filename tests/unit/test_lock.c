// SPDX-License-Identifier: MIT
// Tries every system call in a locked process: those of the list work, every other one ends it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "sandbox/lock.h"

#define LAST_CALL   600 // higher than any number that a kernel has so far
#define SOCKET      3   // in the locked process
#define AT_ONCE     16  // processes
#define SURVIVED    42  // exit status
#define NOT_LOCKED  43
#define SECONDS     20
#define ANY_ADDRESS 4096

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define IS_SANITIZED 1 // there the list is longer, so that reports can be written
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define IS_SANITIZED 1
#    endif
#endif
#ifndef IS_SANITIZED
#    define IS_SANITIZED 0
#endif

// With arguments of zero; read, write, mmap and mprotect depend on theirs, see below.
static const long allowed[] = {
    SYS_exit,     SYS_exit_group, SYS_brk,          SYS_munmap,        SYS_mremap,
    SYS_madvise,  SYS_futex,      SYS_rt_sigreturn, SYS_clock_gettime, SYS_restart_syscall,
    SYS_mprotect, // of nothing, to nothing
#ifdef SYS_time
    SYS_time,
#endif
};

// What cannot be judged so: a return from a signal that never came goes anywhere, and on x86-64 two
// calls that only the kernel's own probes make are past all filters (6.14 and later).
static bool is_untried(long number)
{
#ifdef __x86_64__
    if (number == 335 || number == 336) // uretprobe, uprobe
        return true;
#endif
    return number == SYS_rt_sigreturn;
}

static bool is_allowed(long number)
{
    for (size_t i = 0; i < COUNT_OF(allowed); i++)
        if (allowed[i] == number)
            return true;
    return false;
}

struct call {
    const char *name;
    long number;
    long arguments[6];
    bool ends; // the process
};

// Locks itself, makes the call, and is gone; what ends it is SIGSYS, or not.
static void be_locked(const struct call *call)
{
    struct buf missing;
    struct errmsg message;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || dup2(ends[0], SOCKET) != SOCKET)
        _exit(NOT_LOCKED);
    buf_init(&missing, 1024);
    (void)alarm(SECONDS); // for calls that wait
    if (lock_process(SOCKET, &missing, &message) != OK)
        _exit(NOT_LOCKED);
    const long *a = call->arguments;
    (void)syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    _exit(SURVIVED);
}

static pid_t begin(const struct call *call)
{
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_locked(call);
    return pid;
}

static void finish(pid_t pid, const struct call *call)
{
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool was_locked = !WIFEXITED(status) || WEXITSTATUS(status) != NOT_LOCKED;
    bool has_ended = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
    if (!was_locked)
        fail_msg("%s (%ld): the process could not be locked", call->name, call->number);
    if (has_ended != call->ends)
        fail_msg("%s (%ld): status %x: %s", call->name, call->number, (unsigned)status,
                 has_ended ? "it ended the process" : "it did not end the process");
}

static void try_all(const struct call *calls, size_t count)
{
    pid_t pids[AT_ONCE];
    for (size_t first = 0; first < count; first += AT_ONCE) {
        size_t end = first + AT_ONCE < count ? first + AT_ONCE : count;
        for (size_t i = first; i < end; i++)
            pids[i - first] = begin(&calls[i]);
        for (size_t i = first; i < end; i++)
            finish(pids[i - first], &calls[i]);
    }
}

static void test_every_call(void **state)
{
    (void)state;
    static struct call calls[LAST_CALL];
    if (IS_SANITIZED)
        skip();
    size_t count = 0;
    for (long i = 0; i < LAST_CALL; i++)
        if (!is_untried(i))
            calls[count++] = (struct call){.name = "call", .number = i, .ends = !is_allowed(i)};
    try_all(calls, count);
}

// What is allowed only with some arguments, and what is tried around the list.
static void test_arguments(void **state)
{
    (void)state;
    static const struct call calls[] = {
        {"read of the socket", SYS_read, {SOCKET, 0, 0}, false},
        {"read of another", SYS_read, {SOCKET + 1, 0, 0}, true},
        {"read of standard input", SYS_read, {0, 0, 0}, true},
        {"write to the socket", SYS_write, {SOCKET, 0, 0}, false},
        {"readv of the socket", SYS_readv, {SOCKET, 0, 0}, true},
        {"sendmsg on the socket", SYS_sendmsg, {SOCKET, 0, 0}, true},
        {"recvmsg on the socket", SYS_recvmsg, {SOCKET, 0, 0}, true},
        {"plain memory",
         SYS_mmap,
         {0, ANY_ADDRESS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
         false},
        {"memory with code",
         SYS_mmap,
         {0, ANY_ADDRESS, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0},
         true},
        {"a file's memory", SYS_mmap, {0, ANY_ADDRESS, PROT_READ, MAP_PRIVATE, SOCKET, 0}, true},
        {"writable again", SYS_mprotect, {0, ANY_ADDRESS, PROT_READ | PROT_WRITE}, false},
        {"code", SYS_mprotect, {0, ANY_ADDRESS, PROT_READ | PROT_EXEC}, true},
        {"code and all", SYS_mprotect, {0, ANY_ADDRESS, PROT_READ | PROT_WRITE | PROT_EXEC}, true},
        {"code by key", SYS_pkey_mprotect, {0, ANY_ADDRESS, PROT_EXEC, -1}, true},
        {"code by personality", SYS_personality, {0x0400000}, true},
        {"another file", SYS_openat, {-100, 0, 0}, true},
        {"another file, newer", SYS_openat2, {-100, 0, 0, 0}, true},
        {"a socket", SYS_socket, {AF_INET, SOCK_STREAM, 0}, true},
        {"a thread", SYS_clone3, {0, 0}, true},
        {"a ring", SYS_io_uring_setup, {1, 0}, true},
        {"another's memory", SYS_process_vm_readv, {1, 0, 0, 0, 0, 0}, true},
        {"a looser filter", SYS_seccomp, {1, 0, 0}, true},
        {"larger limits", SYS_prlimit64, {0, 0, 0, 0}, true},
        {"dumpable again", SYS_prctl, {4, 1}, true},
        {"a signal to itself", SYS_kill, {0, 0}, true},
        {"a number below all", -1, {0}, true},
#ifdef __x86_64__
        {"write by the x32 interface", 0x40000000L | SYS_write, {SOCKET, 0, 0}, true},
        {"exit by the x32 interface", 0x40000000L | SYS_exit, {0}, true},
#endif
    };
    struct call now[COUNT_OF(calls)];
    memcpy(now, calls, sizeof(now));
    for (size_t i = 0; i < COUNT_OF(now) && IS_SANITIZED; i++)
        if (now[i].number == SYS_write || now[i].number == SYS_read)
            now[i] = now[0]; // may be in the longer list
    try_all(now, COUNT_OF(now));
}

// The test itself: a process that is not locked does not end so.
static void test_without_lock(void **state)
{
    (void)state;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)syscall(SYS_openat2, -100, 0, 0, 0);
        _exit(SURVIVED);
    }
    const struct call call = {.name = "openat2", .number = SYS_openat2, .ends = false};
    finish(pid, &call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call),
        cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_without_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
