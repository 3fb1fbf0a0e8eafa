// SPDX-License-Identifier: MIT
// Trying a script's file without an engine, and what its options are; blocking, the main thread.
#pragma once

#include "base/buf.h"
#include "cli/local_host.h"

// A file that was loaded in a host of our own.
struct try_local {
    struct local_host host;
    struct script_draft *draft; // owned; NULL: it does not load
    struct buf tests;           // owned: results of its golden tests, JSON
    bool is_started, is_done;
    struct buf *why; // borrowed while it is loaded
};

// Loads it. False: `why` says what is wrong with it. Close in either case.
bool try_local_open(struct try_local *local, struct span name, struct span source, struct buf *why);
void try_local_close(struct try_local *local);

// What is tried: JSON as the API takes it; empty: not given.
struct try_question {
    struct span event, options, response;
};
// Runs the draft alone against one event. `out` gets what the API would answer; false: `why`.
bool try_local_run(struct try_local *local, const struct try_question *question, struct buf *out,
                   struct buf *why);
