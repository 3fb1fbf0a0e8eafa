// SPDX-License-Identifier: MIT
// Runs the golden tests that a script carries, each in a fresh and in a used state. Script host
// only. (lua.md, Golden tests)
#pragma once

#include "sandbox/pipeline.h"

// Where states come from: the process side's, with its allocator; both NULL: luaL_newstate.
struct golden_states {
    lua_State *(*make)(void *context); // NULL on lack of memory
    void (*drop)(void *context, lua_State *L);
    void *context;
};

struct golden_result {
    size_t tests;    // that the script has
    size_t failures; // of them
};

// Runs all tests of a script. `report` gets a paragraph per failure, for a person: the test's name,
// what was expected and what came, at the first difference. ERR_SYNTAX: the script does not load
// (the report says why); OK otherwise, also when tests failed.
MUST_CHECK enum err golden_run(struct pipeline *pipeline, const struct golden_states *states,
                               const struct pipeline_load *load, struct golden_result *result,
                               struct buf *report);
