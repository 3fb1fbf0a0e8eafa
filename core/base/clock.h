// SPDX-License-Identifier: MIT
// The only source of time: monotonic for waiting, wall for records; any thread.
//
// Wall time here is the engine's own: what the system's clock said when the process began, plus what
// has passed since (suspended time included). When somebody sets the system's clock it goes on as
// before: what waits goes on waiting, nothing expires and nothing is pruned by a mistake of the
// clock. clock_look(), called every few seconds, brings it closer: a step forward of up to an hour is
// believed at once (a machine that was paused looks the same), any other is approached by a tenth of
// the time that passes, so that no wait is off by more than its jitter. It may thus go back by a
// second. What others compare with their own clocks (signatures, logs) says clock_system_ms().
//
// Tests own the clock: with GRAPNEL_TEST=1 in the environment, GRAPNEL_CLOCK=PATH names a shared file
// of two int64 nanoseconds, little endian, mapped: the first is time that has passed (all clocks),
// the second is how far somebody has set the system's clock. A test writes it while the engine runs;
// base/alarm.h sees to it that what waits looks again within milliseconds. libcurl's deadlines and
// those of sockets stay in real time. GRAPNEL_CLOCK without GRAPNEL_TEST=1 is refused at start.
#pragma once

#include <stdint.h>

#include "base/err.h"

// Once, before threads start.
MUST_CHECK enum err clock_init(struct errmsg *message);
// Nanoseconds that never go back (CLOCK_BOOTTIME: counts on while the machine is suspended).
int64_t clock_mono_ns(void);
int64_t clock_mono_ms(void);
// Milliseconds since 1970, the engine's own: for due times, ages and records.
int64_t clock_wall_ms(void);
int64_t clock_wall_ns(void);
// Milliseconds since 1970 as the system's clock says, which anybody may set at any time.
int64_t clock_system_ms(void);
// How far the system's clock is ahead of the engine's own.
int64_t clock_gap_ms(void);
// CPU time of the calling thread, nanoseconds.
int64_t clock_thread_cpu_ns(void);
// True when tests own the clock.
int clock_is_test(void);

// What a look at the system's clock has found.
struct clock_look {
    int64_t jump_ms; // by how much it was set since the last look; 0: by less than a second
    int64_t gap_ms;  // how far it is ahead of clock_wall_ms() now
};
// One thread, every few seconds: brings clock_wall_ms() closer to the system's clock.
void clock_look(struct clock_look *out);
