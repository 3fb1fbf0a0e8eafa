// SPDX-License-Identifier: MIT
// Runs a piece of a test in a process of its own: for what aborts, kills, or is set up once; one thread.
#include "support/child.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

static void run_body(void (*body)(void *context), void *context, const int ends[2])
{
    struct rlimit no_core = {0, 0};
    CHECK(setrlimit(RLIMIT_CORE, &no_core) == 0);
    CHECK(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    CHECK(close(ends[0]) == 0 && close(ends[1]) == 0);
    body(context);
    _exit(0);
}

static void read_all(int fd, struct child_end *end)
{
    char rest[4096];
    for (;;) {
        size_t room = sizeof end->text - 1 - end->len;
        ssize_t got = room > 0 ? read(fd, end->text + end->len, room) : read(fd, rest, sizeof rest);
        if (got <= 0)
            break;
        if (room > 0)
            end->len += (size_t)got;
    }
    end->text[end->len] = '\0';
}

void child_run(void (*body)(void *context), void *context, struct child_end *end)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0)
        run_body(body, context, ends);
    CHECK(close(ends[1]) == 0);
    end->len = 0;
    read_all(ends[0], end);
    CHECK(close(ends[0]) == 0);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}
