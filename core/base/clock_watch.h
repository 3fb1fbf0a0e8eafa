// SPDX-License-Identifier: MIT
// Looks at the system's clock every few seconds, and logs when somebody has set it; main only.
#pragma once

#include <uv.h>

// One per process. The rule by which the engine follows is in base/clock.h.
void clock_watch_start(uv_loop_t *loop);
void clock_watch_stop(void);
