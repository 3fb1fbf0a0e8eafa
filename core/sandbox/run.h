// SPDX-License-Identifier: MIT
// The one place that resumes Lua: a fresh coroutine, under the visit's limits. Script host only.
#pragma once

#include "sandbox/pipeline.h"

// A pipeline_call_fn. `context` is a struct run; the state was made by limits_open.
enum visit_result run_call(void *context, lua_State *L, int arguments, int results);

struct run {
    // Told which state is about to run; may be NULL.
    void (*on_enter)(void *context, lua_State *L);
    void *context;
};
