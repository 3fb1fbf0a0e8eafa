// SPDX-License-Identifier: MIT
// What the files of this room share: the dispatcher and its flights; main only.
//
// A flight is what is rendered or sent. Hooks and tenants: dispatch/hook.h.
#pragma once

#include "base/alarm.h"
#include "dispatch/hook.h"

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
    bool was_sent;                                           // the sender has had it
    void (*on_test)(void *context, struct attempt *attempt); // test sends
    void *test_context;
};

#define DISPATCH_MAGIC 0x44495350u
struct dispatch {
    uint32_t magic;
    struct dispatch_env env;
    struct sender *sender;
    uv_prepare_t prepare;   // once per turn of the loop: pump, flush
    struct alarm tick;      // set only when something has a time
    struct alarm retention; // every minute, and between slices of pruning
    struct alarm replay_look;
    struct list replays;   // those that run
    uint32_t replay_reads; // slices under way
    bool is_pruning;
    struct strmap tenants;           // name → struct tenant (owned)
    struct map hooks;                // number → struct hook (owned)
    struct strmap hooks_by_uuid;     // 16 bytes → struct hook (borrowed)
    uint32_t highest_number;         // of a hook, for walks in order
    struct map deliveries;           // id → struct delivery (owned), all that are in memory
    struct list turns;               // tenants with runnable hooks, in turn
    struct heap wakes;               // hooks by the time to look at them
    struct heap tokens;              // hooks by when their rate limit lets the next one go
    struct list young;               // deliveries without a row, oldest first (age_node)
    struct list saving, unsettled;   // webhooks' revisions under way; refused settlements
    struct list quarantined;         // quarantines that hold their hook
    struct list unsaved;             // keeps that the store refused
    uint32_t script_generation;      // when the first were looked at
    uint64_t next_seq, places_bytes; // places_bytes: events held in memory
    uint32_t appending;              // events on their way to the store
    uint32_t settling;               // settlements on their way to the store or in `unsettled`
    uint32_t running;                // flights
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

// ---- run.c ----
// Into memory; its webhook's turn decides when it starts. Takes the event's reference.
struct delivery *run_add(struct dispatch *d, struct hook *hook, const struct claimed *from);
void run_pump(struct dispatch *d);
// The engine does it: a new revision, then its event. Nothing while another revision is being saved.
void run_disable(struct dispatch *d, struct hook *hook, enum webhook_disabled why);
void run_forget(struct dispatch *d, struct delivery *delivery); // frees it

// ---- accept.c ----
// As dispatch_accept, also while it is draining: for events of the engine itself.
void accept_event(struct dispatch *d, struct event **moved, dispatch_answer_fn *answer,
                  void *token);

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
// What the store made waiting again; nothing when it did not.
void webhooks_add_redone(struct dispatch *d, const struct redo *redo, int64_t now_ms);

// ---- retention.c, dispatch.c ----
void retention_start(struct dispatch *d);
void dispatch_arm(struct dispatch *d); // the tick, for whatever comes first
