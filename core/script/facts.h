// SPDX-License-Identifier: MIT
// What script hosts are told of one revision of a webhook: its fields and the versions of its
// scripts, sent once per host; main only.
#pragma once

#include "model/request.h"
#include "script/library.h"
#include "script/pool.h"

struct facts {
    uint32_t refs;
    uint32_t number;         // for hosts
    uint32_t generation;     // of the library, when the versions were chosen
    uint64_t env_hash;       // of hook_env's content
    struct webhook *webhook; // one reference
    struct pool *pool;       // borrowed: is told when this ends
    struct pool_queue queue; // the webhook's visits
    struct library_version *versions[WEBHOOK_MAX_SCRIPTS]; // references; NULL: not to be had
    char *scripts;                                         // owned: "github@1a2b3c4d slack@…"
    struct errmsg missing;                                 // what is not to be had; "": nothing
};

// Appends "github@1a2b3c4d slack@…": what such a webhook would use now.
void facts_name_versions(const struct library *library, const struct webhook *webhook,
                         struct buf *out);

// One reference. `stage`: as if that change were made; NULL: as it is.
struct facts *facts_new(uint32_t number, const struct library *library,
                        const struct library_stage *stage, struct pool *pool,
                        struct webhook *webhook, const struct hook_env *env);
// Right after it was made: for a trial, in the host for checks, with a draft (NULL: none) in the place
// of all scripts of its name that are not pinned.
void facts_make_trial(struct facts *facts, struct library_version *draft);
struct facts *facts_ref(struct facts *facts);
void facts_unref(struct facts *facts); // NULL is fine
// Are they what they would be now?
bool facts_are_current(const struct facts *facts, const struct library *library,
                       const struct webhook *webhook, const struct hook_env *env);

// Puts what the host does not know yet in front of a visit.
void facts_tell(const struct facts *facts, struct host *host, const struct hook_env *env);
// The sources alone, and the webhook as a question.
void facts_ask(const struct facts *facts, struct host *host, uint64_t id);
