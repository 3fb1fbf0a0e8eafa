// SPDX-License-Identifier: MIT
// Webhooks that are held because their scripts keep failing; main only. (lua.md, Limits)
//
// A quarantine belongs to a webhook and the script versions that failed. Nothing is dropped: what
// waits, waits in the store. Another version of a script, an edit of what the scripts work with, or
// a person lets it go. It is an object in the store, so that a restart keeps it; a crash within the
// milliseconds until that is written loses the hold, and the failures are counted again.
#pragma once

#include "dispatch/keep.h"
#include "dispatch/state.h"
#include "dispatch/streak.h"

#define QUARANTINE_MAGIC 0x51554152u
struct quarantine {
    uint32_t magic;
    struct hook *hook; // borrowed: owns it
    struct streak streak;
    bool is_held;
    struct list_node node; // in dispatch.quarantined while it is held
    // Why; while it is held.
    char *scripts; // owned: versions, "github@1a2b3c4d slack@…"
    char *reason;  // owned: of the last failure
    enum outcome outcome;
    uint32_t failures;
    int64_t since_ms; // wall clock
    struct keep keep; // in the store while it is held
};

// An attempt has been rendered, or not: counts, and holds its webhook when that is too much.
void quarantine_note(struct dispatch *d, struct hook *hook, const struct attempt *attempt,
                     const struct uid *event);
bool quarantine_is_held(const struct hook *hook);
// `why` is for the log.
void quarantine_release(struct dispatch *d, struct hook *hook, struct span by, const char *why);
// The webhook was `old`: lets go when its scripts now find something else.
void quarantine_on_edit(struct dispatch *d, struct hook *hook, const struct webhook *old);
// Once per turn: lets those go whose scripts have other versions now.
void quarantine_look(struct dispatch *d);
// At start, for each object of the store; a store_load callback, `context` is the dispatch.
void quarantine_on_stored(void *context, const struct object *object);
void quarantine_free(struct quarantine *quarantine); // NULL is fine
