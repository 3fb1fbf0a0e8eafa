// SPDX-License-Identifier: MIT
// A webhook's running side, and its tenant's: queue, limits, holds, due rows; main only.
#pragma once

#include "base/heap.h"
#include "dispatch/breaker.h"
#include "dispatch/figures.h"
#include "dispatch/match.h"
#include "dispatch/rate.h"
#include "model/tenant.h"

#define TENANT_MAGIC 0x54454e41u
struct tenant {
    uint32_t magic;
    char *name;      // owned
    uint32_t number; // of its object; 0: not stored (default, or tenants = "open")
    struct match match;
    struct list runnable;       // hooks with something ready and room to send it
    struct list_node turn;      // in dispatch.turns when `runnable` is not empty
    uint32_t places, in_flight; // the sums over its hooks
    uint64_t rows;              // likewise
    uint32_t hooks;             // webhooks that it has
    uint32_t revision;          // of its object
    bool is_saving;             // a revision is on its way to the store
    struct tenant_limits limits;
    struct rate rate;    // of events that it sends
    struct hook_env env; // {{NAME}} values; borrowed from the configuration
};

#define HOOK_MAGIC 0x484f4f4bu
struct hook {
    uint32_t magic, number;
    struct webhook *webhook;         // current revision; one reference
    struct tenant *tenant;           // borrowed
    bool is_removed;                 // deleted: stays until the engine stops, for what is in memory
    bool is_saving;                  // a revision is on its way to the store
    struct list ready;               // deliveries that are CLAIMED
    uint32_t ready_count, in_flight; // in_flight: RUNNING, and no answer yet
    uint32_t rendering;              // of these, not sent yet: each will take a token of `rate`
    uint32_t places;                 // deliveries without an outcome, uncommitted ones included
    struct list_node turn;           // in tenant.runnable
    struct heap_node wake;           // in dispatch.wakes: when to look for due rows
    int64_t next_due_ms;             // wall clock; INT64_MAX: no row waits
    uint64_t rows, rows_here;        // pending rows, uncommitted ones included; those in memory too
    uint32_t claiming;               // rows that a claim may bring; 0: none is under way
    bool is_cancelling;              // deactivated: all its rows are being cancelled
    struct quarantine *quarantine;   // owned; NULL: its scripts have not failed
    struct failing *failing;         // owned; NULL: it has not failed
    struct replay *replay;           // owned; NULL: there was none
    struct holds holds;              // what holds it, and until when
    struct breaker breaker;
    struct rate rate;
    struct heap_node token; // in dispatch.tokens (monotonic ms): ready, but for the rate limit
    struct dispatch_webhook_state stats; // the counters in it
};

uint32_t hook_room(const struct hook *hook); // max(4 * max_in_flight, 128)
struct hook *hook_new(struct dispatch *d, struct webhook *webhook);
void hook_replace(struct dispatch *d, struct hook *hook, struct webhook *webhook); // a revision
// Has it older due rows than a claim under way will bring? New deliveries queue behind them.
bool hook_is_behind(const struct hook *hook, int64_t now_ms);
bool hook_is_held(const struct hook *hook, int64_t now_ms);
// Will one more that is in memory have a token of its rate limit within a second?
bool hook_has_token_soon(const struct hook *hook);
// Held for this reason, too, until then (HOLD_UNTIL_RELEASED); what is ready waits in the store.
void hook_hold(struct dispatch *d, struct hook *hook, enum hold reason, int64_t until_ms);
// This reason holds it no more; another one may.
void hook_release(struct dispatch *d, struct hook *hook, enum hold reason);
// After anything has changed: is it runnable, and when must it be looked at?
void hook_update(struct dispatch *d, struct hook *hook);
void hook_count_rows(struct hook *hook, int64_t change); // pending rows, its tenant's too
void hook_add_row(struct dispatch *d, struct hook *hook, int64_t due_ms); // it was written
void hook_wake_due(struct dispatch *d);    // claims rows that are due, ends expired holds
void hook_wake_tokens(struct dispatch *d); // those go on that waited for their rate limit
// The breaker and the counters learn of an attempt's outcome.
void hook_note_outcome(struct dispatch *d, struct hook *hook, enum outcome outcome);
// Writes what is ready as pending rows and forgets it: it is held, or memory is wanted.
void hook_give_back(struct dispatch *d, struct hook *hook, const char *reason);
struct hook *hook_find(const struct dispatch *d, uint32_t number);
struct hook *hook_by_uuid(const struct dispatch *d, const struct uid *uuid);
struct tenant *tenant_find(const struct dispatch *d, struct span name);
struct tenant *tenant_new(struct dispatch *d, struct span name);
void tenant_free(struct tenant *tenant);
// After anything has changed: has it something to send, and may it?
void tenant_update(struct dispatch *d, struct tenant *tenant);
// May it send one more event now? Counts it; false: the reply says why not.
bool tenant_admits(struct tenant *tenant, struct wire_reply *reply);
void tenant_apply_pause(struct dispatch *d, struct hook *hook);
// At start; a store_load callback, `context` is the dispatch.
void tenant_on_stored(void *context, const struct object *object);
