// SPDX-License-Identifier: MIT
// Named places where a test may kill the engine or make a call fail; any thread.
//
// GRAPNEL_FAILPOINT="name:kill:N" ends the process with SIGKILL at the N-th passage (N counts from
// 1), "name:error:N" makes the N-th passage answer true, "name:error" each passage. Refused without
// GRAPNEL_TEST=1. In every build, so that the release binary is what is tested; a passage costs one
// load and a branch that is not taken.
#pragma once

#include <stdbool.h>

#include "base/err.h"

enum failpoint {
#define X(name, text, where) FAILPOINT_##name,
#include "base/failpoint.def"
#undef X
    FAILPOINT_COUNT
};

// Whether a test owns this process: GRAPNEL_TEST=1 in the environment.
bool failpoint_is_test_run(void);

// Once, before threads start.
MUST_CHECK enum err failpoint_init(struct errmsg *message);
extern bool failpoint_is_armed;
bool failpoint_pass(enum failpoint point);

// True when the caller must behave as if the step had failed.
static inline bool failpoint_hit(enum failpoint point)
{
    return __builtin_expect(failpoint_is_armed, 0) && failpoint_pass(point);
}
