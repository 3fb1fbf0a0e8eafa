// SPDX-License-Identifier: MIT
// Named threads, and the check that a function runs on the right one; any thread.
#pragma once

#include <uv.h>

// Starts a thread with a name of at most 15 characters; aborts when the system refuses. All signals
// are blocked in it: main handles them.
void thread_start(uv_thread_t *thread, const char *name, void (*run)(void *context), void *context);
void thread_join(uv_thread_t *thread);
