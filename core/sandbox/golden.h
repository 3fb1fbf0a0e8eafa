// SPDX-License-Identifier: MIT
// Runs the golden tests that a script carries, each in a fresh and in a used state. Script host
// only. (lua.md, Golden tests)
#pragma once

#include "sandbox/pipeline.h"

// What came of one test.
struct golden_outcome {
    size_t number;      // from 1
    struct span name;   // as far as it could be read
    struct span report; // for a person, lines that begin with two blanks; empty: it has passed
    int line;           // where its name stands in the source; 0: not found
};

// Where states come from: the process side's, with its allocator; both NULL: luaL_newstate. What it
// wants to hear; NULL: nothing.
struct golden_states {
    lua_State *(*make)(void *context); // NULL on lack of memory
    void (*drop)(void *context, lua_State *L);
    void (*on_begin)(void *context, size_t number);
    void (*on_end)(void *context, const struct golden_outcome *outcome);
    void *context;
};

struct golden_result {
    size_t tests;    // that the script has
    size_t failures; // of them, with those that were not run because one did not end
};

// Runs all tests of a script. `report` gets a paragraph per failure, for a person: the test's name,
// what was expected and what came, at the first differences. ERR_SYNTAX: the script does not load
// (the report says why); OK otherwise, also when tests failed.
MUST_CHECK enum err golden_run(struct pipeline *pipeline, const struct golden_states *states,
                               const struct pipeline_load *load, struct golden_result *result,
                               struct buf *report);
