// SPDX-License-Identifier: MIT
// What the files of this room share: the dispatcher, its tenants, hooks and flights; main only.
//
// A hook is a webhook's running side: its queue, limits, holds. A flight: what is rendered or sent.
#pragma once

#include "base/heap.h"
#include "dispatch/dispatch.h"
#include "dispatch/match.h"

#define TENANT_MAGIC 0x54454e41u
struct tenant {
    uint32_t magic;
    char *name;      // owned
    uint32_t number; // of its object; 0: not stored (default, or tenants = "open")
    struct match match;
    struct list runnable;  // hooks with something ready and room to send it
    struct list_node turn; // in dispatch.turns when `runnable` is not empty
    uint32_t places;       // the sum over its hooks
    struct hook_env env;   // {{NAME}} values; borrowed from the configuration
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
    uint32_t places;                 // deliveries without an outcome, uncommitted ones included
    struct list_node turn;           // in tenant.runnable
    struct heap_node wake;           // in dispatch.wakes: when to look for due rows
    int64_t next_due_ms;             // wall clock; INT64_MAX: no row waits
    uint64_t rows, rows_here;        // pending rows, uncommitted ones included; those in memory too
    uint32_t claiming;               // rows that a claim may bring; 0: none is under way
    bool is_cancelling;              // deactivated: all its rows are being cancelled
    struct quarantine *quarantine;   // owned; NULL: its scripts have not failed
    const char *held;                // static reason; NULL: not held
    int64_t held_until_ms;           // wall clock; INT64_MAX: until somebody acts
    uint32_t failures;               // in a row, that count for the breaker
    int64_t breaker_wait_ms;         // 0: closed; else until the next probe
    struct dispatch_webhook_state stats; // the counters in it
};

#define FLIGHT_MAGIC 0x464c4947u
struct flight {
    uint32_t magic;
    struct dispatch *dispatch;
    struct hook *hook;
    struct webhook *webhook;   // the revision it was rendered with; one reference
    struct delivery *delivery; // NULL: a test send
    struct event *event;       // one reference
    struct attempt *attempt;   // owned, but while script or sender has it
    struct script_visit visit;
    void (*on_test)(void *context, struct attempt *attempt); // test sends
    void *test_context;
};

#define DISPATCH_MAGIC 0x44495350u
struct dispatch {
    uint32_t magic;
    struct dispatch_env env;
    struct sender *sender;
    uv_prepare_t prepare; // once per turn of the loop: pump, flush
    uv_timer_t tick;      // armed only when something has a time
    uv_timer_t retention; // every minute, and between slices of pruning
    bool is_pruning;
    struct strmap tenants;            // name → struct tenant (owned)
    struct map hooks;                 // number → struct hook (owned)
    struct strmap hooks_by_uuid;      // 16 bytes → struct hook (borrowed)
    uint32_t highest_number;          // of a hook, for walks in order
    struct map deliveries;            // id → struct delivery (owned), all that are in memory
    struct list turns;                // tenants with runnable hooks, in turn
    struct heap wakes;                // hooks by the time to look at them
    struct list young;                // deliveries without a row, oldest first (age_node)
    struct list saving, unsettled;    // webhooks' revisions under way; refused settlements
    struct list quarantined, unsaved; // quarantines that hold their hook; that the store refused
    uint32_t script_generation;       // when the first were looked at
    uint64_t next_seq, places_bytes;  // places_bytes: events held in memory
    uint32_t appending;               // events on their way to the store
    uint32_t settling;                // settlements on their way to the store or in `unsettled`
    uint32_t running;                 // flights
    bool is_draining, is_store_down;
    int64_t drain_until_mono_ms;
    void (*on_drained)(void *context);
    void *drained_context;
    void (*on_stopped)(void *context);
    void *stopped_context;
    int open_handles; // to be closed before it is freed
    struct dispatch_stats stats;
};

#define YOUNG_MS 5000 // for that long a delivery may be in memory without a row

// ---- hook.c ----
uint32_t hook_room(const struct hook *hook); // max(4 * max_in_flight, 128)
struct hook *hook_new(struct dispatch *d, struct webhook *webhook);
void hook_replace(struct dispatch *d, struct hook *hook, struct webhook *webhook); // a revision
// Has it older due rows than a claim under way will bring? New deliveries queue behind them.
bool hook_is_behind(const struct hook *hook, int64_t now_ms);
bool hook_is_held(const struct hook *hook, int64_t now_ms);
void hook_hold(struct dispatch *d, struct hook *hook, const char *reason, int64_t until_ms);
void hook_release(struct dispatch *d, struct hook *hook);
// After anything has changed: is it runnable, and when must it be looked at?
void hook_update(struct dispatch *d, struct hook *hook);
void hook_add_row(struct dispatch *d, struct hook *hook, int64_t due_ms); // it was written
void hook_wake_due(struct dispatch *d); // claims rows that are due, ends expired holds
// The breaker and the counters learn of an attempt's outcome.
void hook_note_outcome(struct dispatch *d, struct hook *hook, enum outcome outcome);
// Writes what is ready as pending rows and forgets it: it is held, or memory is wanted.
void hook_give_back(struct dispatch *d, struct hook *hook, const char *reason);
struct hook *hook_find(const struct dispatch *d, uint32_t number);
struct hook *hook_by_uuid(const struct dispatch *d, const struct uid *uuid);
struct tenant *tenant_find(const struct dispatch *d, struct span name);
struct tenant *tenant_new(struct dispatch *d, struct span name);
void tenant_free(struct tenant *tenant);

// ---- run.c ----
// Into memory; its webhook's turn decides when it starts. Takes the event's reference.
struct delivery *run_add(struct dispatch *d, struct hook *hook, const struct claimed *from);
void run_pump(struct dispatch *d);
void run_forget(struct dispatch *d, struct delivery *delivery); // frees it

// ---- settle.c ----
// Writes what became of a delivery; `attempt` (may be NULL) is packed, not kept.
struct settle_how {
    enum delivery_state state;
    enum outcome outcome;
    int64_t due_ms;     // PENDING
    bool is_held;       // PENDING: it goes on here
    const char *reason; // static
};
void settle(struct dispatch *d, struct delivery *delivery, const struct attempt *attempt,
            const struct settle_how *how);
void settle_young(struct dispatch *d); // the 5 s rule
void settle_again(struct dispatch *d); // what the store refused
// For a delivery whose webhook is gone: cancelled, so that it is not owed for ever.
void settle_orphan(struct dispatch *d, const struct claimed *owed);

// ---- webhooks.c ----
// Cancels what an inactive or removed webhook has waiting, here and in the store.
void webhooks_cancel(struct dispatch *d, struct hook *hook);
void webhooks_cancel_rows(struct dispatch *d, uint32_t number); // of one that is gone

// ---- retention.c, dispatch.c ----
void retention_start(struct dispatch *d);
void dispatch_arm(struct dispatch *d); // the tick, for whatever comes first
