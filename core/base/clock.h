// SPDX-License-Identifier: MIT
// The only source of time: monotonic for waiting, wall for records; any thread.
//
// Tests own the clock: with GRAPNEL_TEST=1 in the environment, GRAPNEL_CLOCK=PATH names an 8-byte
// shared file (int64 nanoseconds, little endian, mapped) whose value is added to both clocks; a test
// writes it to let time pass. GRAPNEL_CLOCK without GRAPNEL_TEST=1 is refused at start.
#pragma once

#include <stdint.h>

#include "base/err.h"

// Once, before threads start.
MUST_CHECK enum err clock_init(struct errmsg *message);
// Nanoseconds that never go back (CLOCK_MONOTONIC + test offset).
int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
// Milliseconds since 1970 (CLOCK_REALTIME + test offset).
int64_t clock_wall_ms(void);
int64_t clock_wall_ns(void);
// CPU time of the calling thread, nanoseconds.
int64_t clock_thread_cpu_ns(void);
// True when tests own the clock: timers must then poll every few milliseconds, because libuv's own
// time does not jump with it.
int clock_is_test(void);
