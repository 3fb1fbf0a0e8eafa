// SPDX-License-Identifier: MIT
// Webhooks that fail for days: noticed, announced, disabled (delivery.md, Limits: auto-disable); main
// only.
//
// Disabled when the first failing attempt since the last success is 5 days old and there were 10 on
// 3 days, not before a day after the notice. Only attempts count: held, filtered and idle time do
// not, nor what failed before it left (scripts: quarantine). What must outlive a restart is in the
// store once it has failed for an hour: the first ten failures, then anew each day. A restart may
// forget that much.
#pragma once

#include "dispatch/keep.h"
#include "dispatch/state.h"

#define FAILING_MAGIC 0x4641494cu
struct failing {
    uint32_t magic;
    struct keep keep;
    int64_t since_ms; // wall clock of the first failure; 0: it does not fail
    uint32_t failures, days;
    int64_t last_day;   // of a failure: days since 1970, UTC
    int64_t noticed_ms; // wall clock; 0: nobody was told
};

// An attempt has ended.
void failing_note(struct dispatch *d, struct hook *hook, enum outcome outcome);
// Another target, enabled again, removed: it begins anew.
void failing_end(struct dispatch *d, struct hook *hook);
// At start, for each object of the store; a store_load callback, `context` is the dispatch.
void failing_on_stored(void *context, const struct object *object);
void failing_free(struct failing *failing); // NULL is fine
