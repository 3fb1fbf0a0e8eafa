// SPDX-License-Identifier: MIT
// Runs a piece of a test in a process of its own: for what aborts, kills, or is set up once; one thread.
#pragma once

#include <stddef.h>

// How a child ended.
struct child_end {
    int exit_code;    // of _exit; -1 when a signal ended it
    int signal;       // that ended it; 0: none
    char text[65536]; // what it wrote on standard error, NUL-terminated; more is cut
    size_t len;       // bytes of text
};

// Forks, runs `body` with standard error in a pipe, then _exit(0). `body` may call _exit itself.
void child_run(void (*body)(void *context), void *context, struct child_end *end);
