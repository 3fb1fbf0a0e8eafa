// SPDX-License-Identifier: MIT
// What script.c, script_visit.c and script_load.c share; included by nothing else. Main only.
#pragma once

#include "script/facts.h"
#include "script/script.h"

#define SCRIPT_MAGIC 0x53435250u
struct script {
    uint32_t magic;
    uv_loop_t *loop;
    struct script_config config; // its texts are `self` and `scripts_dir`
    char *self, *scripts_dir;    // owned
    struct pool *pool;           // owned
    struct library *library;     // owned
    struct accounts accounts;
    struct map facts; // webhook number → current struct facts *, one reference each
    uint32_t next_facts;
    uint32_t next_draft;
    struct pool_queue checks; // visits that check
    struct list failed;       // visits that ended before they began: told by `later`
    uv_timer_t later;
    struct frame_pair headers[FRAME_MAX_HEADERS]; // of the frame at hand
    uint64_t loads;                               // under way
    uint32_t refused;                             // files of the last load that was done
    void (*on_stopped)(void *context);
    void *stop_context;
};

// script_load.c: checks all sources that are not active as they stand, in a host.
struct script_load {
    struct script *script;
    struct library_candidates candidates;
    size_t open; // checks that are not answered
    size_t loaded, refused;
    bool has_broken_builtin;
    struct errmsg broken;                      // the first of those
    void (*on_done)(struct script_load *load); // frees it with script_load_free
    void *context;
};
MUST_CHECK enum err script_load_start(struct script *script,
                                      void (*on_done)(struct script_load *load), void *context,
                                      struct errmsg *message);
void script_load_free(struct script_load *load);

// script.c: asks a host whether options and secrets fit; takes the reference. Later on_done.
void script_check_facts(struct script *script, struct facts *facts, struct problems *problems,
                        void (*on_done)(void *context, struct problems *problems), void *context);
// script_draft.c
struct library_version *script_draft_version(const struct script_draft *draft); // NULL of NULL

// script_visit.c: ends the visits that could not even begin.
void script_end_failed(struct script *script);
