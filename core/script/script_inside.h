// SPDX-License-Identifier: MIT
// What script.c, script_visit.c and script_load.c share; included by nothing else. Main only.
#pragma once

#include "script/change.h"
#include "script/facts.h"
#include "script/folder.h"
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
    uint32_t refused;                             // files of the last load that was done
    void (*each_webhook)(void *context, script_webhook_fn *take, void *taker);
    void *webhooks_context;
    uv_timer_t turn;       // the next change begins
    struct list changes;   // that wait
    struct change *change; // under way; NULL: none
    bool is_fitting;       // it looks at webhooks: none may be saved meanwhile
    uint32_t checks_open;  // webhooks that are checked to be saved
    struct list held;      // checks that wait for the end of the change
    uint32_t store_ops;    // of ours, in the store
    bool is_stopping;
    struct script_refusal *refusals; // owned array
    size_t refusal_count;
    uint32_t saves;             // of scripts_dir, so far
    struct script_watch *watch; // owned; NULL: scripts_dir is not watched
    void (*on_stopped)(void *context);
    void *stop_context;
};

// A file that was refused, so that it is not tried again as it is.
struct script_refusal {
    char *name; // owned
    char hash[LIBRARY_HASH_LEN + 1];
    uint32_t save; // those of one save belong together
    bool is_cause; // else: one of the same save was
    bool is_kept;  // of the load under way: it is as it was
};

// script_load.c: what is built in and what lies in scripts_dir becomes versions.
struct script_load {
    struct script *script;
    bool is_first; // what is built in, too; each file by itself
    bool is_asked; // by an operator: what was refused is tried again
    struct folder folder;
    struct errmsg message; // why the folder cannot be read
    enum err err;
    struct store_read read;
    size_t refused; // files that cannot be used, or were refused before and are the same still
    void (*on_done)(struct script_load *load, const struct change *change);
    void *context;
};
// Reads the folder (on the store's reader thread, if there is one), then changes what differs.
// on_done later, on main; `change` is NULL when the folder cannot be read.
void script_load_start(struct script *script, const struct script_load *how);
// Sees what the store holds, before anything else.
MUST_CHECK enum err script_load_restore(struct script *script);
void script_load_forget(struct script *script); // what was refused

// script_watch.c: files of scripts_dir that change are loaded.
void script_watch_start(struct script *script);
void script_watch_stop(struct script *script);

// script.c: an operation of the store has come back; webhooks may be checked again.
void script_end_store_op(struct script *script);
void script_release_checks(struct script *script);

// script.c: asks a host whether options and secrets fit; takes the reference. Later on_done.
void script_check_facts(struct script *script, struct facts *facts, struct problems *problems,
                        void (*on_done)(void *context, struct problems *problems), void *context);
// script_draft.c
struct library_version *script_draft_version(const struct script_draft *draft); // NULL of NULL

// script_visit.c: ends the visits that could not even begin.
void script_end_failed(struct script *script);
