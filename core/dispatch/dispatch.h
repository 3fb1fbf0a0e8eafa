// SPDX-License-Identifier: MIT
// The heart: matches events to webhooks, owns every delivery's state, decides who goes next,
// settles outcomes; main only. Figures: dispatch/figures.h.
#pragma once

#include "config/config.h"
#include "ingest/wire.h"
#include "model/tenant.h"
#include "model/webhook.h"
#include "script/script.h"
#include "send/sender.h"
#include "store/store.h"

struct dispatch;

struct dispatch_env {
    uv_loop_t *loop;
    struct store *store;
    struct script *script;       // set before the first event
    const struct config *config; // dispatch_reconfigure replaces it
    const struct eventid_key *id_key;
    uint64_t next_seq;
};

// `start` is consumed: the webhooks and tenants are loaded from the store, what is owed is taken up.
MUST_CHECK enum err dispatch_start(struct dispatch **out, const struct dispatch_env *env,
                                   struct journal_start *start, struct errmsg *message);
// NULL before the sender is stopped: what would be sent from then on ends as an attempt that was
// stopped, and is made again later.
void dispatch_set_sender(struct dispatch *dispatch, struct sender *sender);
// Before the scripts are stopped, when it has drained.
void dispatch_forget_script(struct dispatch *dispatch);
// No new attempts; on_drained when nothing runs and all outcomes are stored, or after timeout_ms.
void dispatch_drain(struct dispatch *dispatch, int64_t timeout_ms,
                    void (*on_drained)(void *context), void *context);
void dispatch_stop(struct dispatch *dispatch, void (*on_stopped)(void *context), void *context);
void dispatch_reconfigure(struct dispatch *dispatch, const struct config *config);

// ---- events ----
typedef void dispatch_answer_fn(void *token, const struct wire_reply *reply);
// Matches, stores, answers after the commit. Takes the event.
void dispatch_accept(struct dispatch *dispatch, struct event **moved, dispatch_answer_fn *answer,
                     void *token);
bool dispatch_may_write(struct dispatch *dispatch, struct span tenant, uint32_t uid,
                        struct wire_reply *reply);
// For sender_start and for the sender's results; the context is the dispatch.
void dispatch_on_sent(void *context, struct list *attempts);

// ---- webhooks: all answer later, on main ----
// Current revision, borrowed until the loop turns; NULL: no such webhook.
struct webhook *dispatch_webhook(const struct dispatch *dispatch, const struct uid *uuid);
struct webhook *dispatch_webhook_by_number(const struct dispatch *dispatch, uint32_t number);
// The webhook with the lowest number above `after`; NULL at the end. For lists.
struct webhook *dispatch_webhook_next(const struct dispatch *dispatch, uint32_t after);
// The one with the highest number below `before`.
struct webhook *dispatch_webhook_previous(const struct dispatch *dispatch, uint32_t before);
// All of them, and revisions that are being saved; for script_set_webhooks, the context is the
// dispatch.
void dispatch_each_webhook(void *context, script_webhook_fn *take, void *taker);
typedef void dispatch_saved_fn(void *context, enum err err, struct webhook *webhook);
// Stores `fresh` as new (revision 0) or as the next revision of the one with its uuid, which must
// still be revision `expected` (0: do not care). Takes a reference of its own.
void dispatch_webhook_put(struct dispatch *dispatch, struct webhook *fresh, uint32_t expected,
                          struct span by, const char *action, dispatch_saved_fn *on_saved,
                          void *context);
// Cancels what is pending, keeps the history.
void dispatch_webhook_remove(struct dispatch *dispatch, struct webhook *webhook, struct span by,
                             dispatch_saved_fn *on_saved, void *context);

// Held because its scripts keep failing; texts live until the loop turns. False: it is not.
struct dispatch_quarantine {
    const char *scripts; // versions that failed: "github@1a2b3c4d slack@…"
    const char *reason;  // of the last failure
    enum outcome outcome;
    uint32_t failures; // in a row
    int64_t since_ms;
};
bool dispatch_quarantine(const struct dispatch *dispatch, uint32_t number,
                         struct dispatch_quarantine *out);
// Fails for days: since when, how often, and when it will be disabled. False: it does not fail.
struct dispatch_failing {
    int64_t since_ms; // wall clock, of the first attempt that failed since the last success
    uint32_t failures, days;
    int64_t disabled_from_ms; // wall clock: an attempt that fails then disables it; 0: not yet said
};
bool dispatch_failing(const struct dispatch *dispatch, uint32_t number,
                      struct dispatch_failing *out);
// Which of those that are held: users of the script of that name, of one tenant (empty: of all), or
// one of them by its number (0: all).
struct dispatch_users {
    struct span script, tenant;
    uint32_t webhook;
};
// Lets them go; how many those were. The store follows within moments.
uint32_t dispatch_release(struct dispatch *dispatch, const struct dispatch_users *users,
                          struct span by);
// Closes its circuit breaker, whatever it has counted; nothing when it is not open.
void dispatch_breaker_reset(struct dispatch *dispatch, uint32_t number, struct span by);
// Sends one event to one webhook now, outside of everything; the attempt comes back to on_done,
// which frees it. The event is not stored.
void dispatch_test(struct dispatch *dispatch, struct webhook *webhook, struct event **event,
                   void (*on_done)(void *context, struct attempt *attempt), void *context);

// ---- deliveries ----
// A manual retry, from every settled state; also of one that waits (then it is due now). With
// `webhook`: of this delivery's event to that webhook, which need not have been there then.
// OK, ERR_NOT_FOUND, ERR_CONFLICT (it is being sent).
void dispatch_retry(struct dispatch *dispatch, uint64_t delivery, uint32_t webhook,
                    void (*on_done)(void *context, enum err err), void *context);

// ---- tenants ----
bool dispatch_tenant_exists(const struct dispatch *dispatch, struct span name);
// Its hook_env; lives as long as the dispatch. NULL: no such tenant.
const struct hook_env *dispatch_tenant_env(const struct dispatch *dispatch, struct span name);
typedef void dispatch_tenant_fn(void *context, enum err err);
// ERR_SYNTAX: no name; ERR_EXISTS, ERR_NOT_FOUND; ERR_DENIED: default stays; ERR_FULL: it has
// webhooks; ERR_CONFLICT: another change is under way; or the store's.
struct dispatch_tenant_change {
    bool is_new, is_removal;            // else it changes one that is there
    const struct tenant_limits *limits; // NULL: none
    struct span by;
    const char *action; // static; for the audit
    dispatch_tenant_fn *on_done;
    void *context;
};
void dispatch_tenant_put(struct dispatch *dispatch, struct span name,
                         const struct dispatch_tenant_change *change);
// False: no such tenant. Borrowed until the loop turns.
struct dispatch_tenant_view {
    const char *name;
    const struct tenant_limits *limits;
    uint32_t webhooks, in_flight;
    uint64_t waiting; // rows
};
bool dispatch_tenant(const struct dispatch *dispatch, struct span name,
                     struct dispatch_tenant_view *out);
// Walks all names, sorted; NULL at the end. Start with `after` empty.
const char *dispatch_tenant_next(const struct dispatch *dispatch, struct span after);
