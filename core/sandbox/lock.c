// SPDX-License-Identifier: MIT
// Locks a script host's process: namespaces, limits, and the allow-list of system calls; host only.
#include "sandbox/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define MEMORY_ROOM ((rlim_t)384 * 1024 * 1024) // bytes of address space on top of what is mapped

// Sanitizers reserve terabytes of addresses and read /proc when they report.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define IS_SANITIZED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define IS_SANITIZED 1
#    endif
#endif
#ifndef IS_SANITIZED
#    define IS_SANITIZED 0
#endif

// ---- namespaces ----

static void say_missing(struct buf *missing, const char *what)
{
    if (missing->len > 0)
        (void)buf_append_text(missing, ", "); // cut at its maximum, which is long enough
    (void)buf_append_text(missing, what);
}

// An empty, read-only folder as root: visible in this mount namespace only.
static bool empty_root(void)
{
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("none", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                 "size=4k") == 0 &&
           chroot("/proc") == 0 && chdir("/") == 0;
}

static void enter_namespaces(struct buf *missing)
{
    if (IS_SANITIZED)
        return; // they need /proc
    // As root one is not needed, but then the others would be made with the engine's rights.
    if (unshare(CLONE_NEWUSER) != 0)
        say_missing(missing, "user namespace");
    if (unshare(CLONE_NEWNET) != 0)
        say_missing(missing, "network namespace");
    if (unshare(CLONE_NEWIPC | CLONE_NEWUTS) != 0)
        say_missing(missing, "IPC namespace");
    if (!empty_root())
        say_missing(missing, "empty root");
}

// ---- limits ----

static enum err limit(int resource, const char *name, rlim_t value, struct errmsg *message)
{
    struct rlimit both = {value, value};
    if (setrlimit((__rlimit_resource_t)resource, &both) == 0)
        return OK;
    errmsg_set(message, "cannot limit %s: %s", name, strerrordesc_np(errno));
    return ERR_DENIED;
}

// Bytes of address space in use.
static rlim_t mapped_bytes(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (read(fd, text, sizeof(text) - 1) <= 0)
            text[0] = '\0';
        (void)close(fd);
    }
    struct span rest = span_of(text);
    struct span first;
    uint64_t pages = 0;
    if (!span_split(&rest, ' ', &first) || !span_to_uint64(first, &pages))
        return 0;
    return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static enum err limit_all(rlim_t mapped, struct errmsg *message)
{
    enum err err = limit(RLIMIT_CORE, "core files", 0, message);
    if (err == OK)
        err = limit(RLIMIT_FSIZE, "files", 0, message);
    if (err == OK)
        err = limit(RLIMIT_NPROC, "processes", 0, message);
    if (err == OK)
        err = limit(RLIMIT_MEMLOCK, "locked memory", 0, message);
    if (err == OK)
        err = limit(RLIMIT_NOFILE, "open files", 0, message);
    if (err == OK && mapped > 0 && !IS_SANITIZED)
        err = limit(RLIMIT_AS, "memory", mapped + MEMORY_ROOM, message);
    return err;
}

// ---- system calls ----

static const int allowed[] = {
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(time),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(restart_syscall),
};

static const int allowed_sanitized[] = {
    SCMP_SYS(write),        SCMP_SYS(gettid),         SCMP_SYS(getpid),
    SCMP_SYS(sigaltstack),  SCMP_SYS(rt_sigprocmask), SCMP_SYS(sched_yield),
    SCMP_SYS(rt_sigaction), SCMP_SYS(nanosleep),      SCMP_SYS(clock_nanosleep),
};

static int allow_list(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int failed = 0;
    for (size_t i = 0; i < count && failed == 0; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

static int allow_if(scmp_filter_ctx filter, int call, const struct scmp_arg_cmp *conditions,
                    unsigned count)
{
    return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, count, conditions);
}

static int fill_filter(scmp_filter_ctx filter, int socket)
{
    const struct scmp_arg_cmp on_socket = {
        .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)socket};
    const struct scmp_arg_cmp not_executable = {
        .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC, .datum_b = 0};
    const struct scmp_arg_cmp no_file = {
        .arg = 3, .op = SCMP_CMP_MASKED_EQ, .datum_a = MAP_ANONYMOUS, .datum_b = MAP_ANONYMOUS};
    const struct scmp_arg_cmp plain_memory[] = {not_executable, no_file};
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0)
        failed = allow_list(filter, allowed, COUNT_OF(allowed));
    if (failed == 0 && IS_SANITIZED)
        failed = allow_list(filter, allowed_sanitized, COUNT_OF(allowed_sanitized));
    if (failed == 0)
        failed = allow_if(filter, SCMP_SYS(read), &on_socket, 1);
    if (failed == 0 && !IS_SANITIZED)
        failed = allow_if(filter, SCMP_SYS(write), &on_socket, 1);
    // No file and nothing executable can be mapped, nor made so later.
    if (failed == 0)
        failed = allow_if(filter, SCMP_SYS(mmap), plain_memory, COUNT_OF(plain_memory));
    if (failed == 0)
        failed = allow_if(filter, SCMP_SYS(mprotect), &not_executable, 1);
    return failed;
}

static enum err filter_calls(int socket, struct errmsg *message)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        errmsg_set(message, "cannot make a system call filter");
        return ERR_UNSUPPORTED;
    }
    int failed = fill_filter(filter, socket);
    if (failed == 0)
        failed = seccomp_load(filter);
    seccomp_release(filter);
    if (failed == 0)
        return OK;
    errmsg_set(message, "cannot filter system calls: %s; the kernel needs CONFIG_SECCOMP_FILTER",
               strerrordesc_np(-failed));
    return ERR_UNSUPPORTED;
}

static int compare_longs(const void *a, const void *b)
{
    const long *left = a;
    const long *right = b;
    return (*left > *right) - (*left < *right);
}

// glibc's qsort asks for the machine's memory when it first sorts more than 1 KiB, and keeps the
// answer: that call is made here, while it may be.
static void warm_sorting(void)
{
    long numbers[1024];
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        numbers[i] = (long)(COUNT_OF(numbers) - i);
    qsort(numbers, COUNT_OF(numbers), sizeof(numbers[0]), compare_longs);
}

enum err lock_process(int socket, struct buf *missing, struct errmsg *message)
{
    warm_sorting();
    rlim_t mapped = mapped_bytes();
    enter_namespaces(missing); // before the wish to die with the parent, which it would clear
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) {
        errmsg_set(message, "cannot give up privileges: %s", strerrordesc_np(errno));
        return ERR_DENIED;
    }
    enum err err = limit_all(mapped, message);
    return err == OK ? filter_calls(socket, message) : err;
}
