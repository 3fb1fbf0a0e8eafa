// SPDX-License-Identifier: MIT
// Sources that are no version (yet): checked in the host for checks, and tried like a script; main
// only. (lua.md, Trying before trusting)
#pragma once

#include "model/problem.h"
#include "script/script.h"

// One source that loads.
struct script_draft;

struct script_draft_outcome {
    struct script_draft *draft; // the receiver's from now on; NULL: it does not load
    struct span reason; // for a person: why not, or which golden tests fail; empty: all is well
    struct span
        results;        // JSON: [{number, name, line, is_ok, report}] of the tests; empty: none ran
    uint32_t tests;     // that it has
    uint32_t killed_in; // number of the test in which its host had to be killed; 0: it was not
};
typedef void script_draft_fn(void *context, const struct script_draft_outcome *outcome);

// Loads a source and runs its golden tests. Always answers, later; borrows until it returns. `name`
// is a script's, without ".lua". Spans of the outcome live until on_done returns.
void script_draft_check(struct script *script, struct span name, struct span source,
                        script_draft_fn *on_done, void *context);
void script_draft_free(struct script_draft *draft); // NULL is fine

struct span script_draft_name(const struct script_draft *draft);
struct span script_draft_options(const struct script_draft *draft); // as in script_info
uint32_t script_draft_functions(
    const struct script_draft *draft); // set of 1u << enum frame_function

// Like script_check, with the draft (NULL: none) in the place of all scripts of its name that are
// not pinned to a version.
void script_draft_check_webhook(struct script *script, const struct script_draft *draft,
                                struct webhook *webhook, struct problems *problems,
                                void (*on_done)(void *context, struct problems *problems),
                                void *context);
