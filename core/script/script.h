// SPDX-License-Identifier: MIT
// Scripts as the engine sees them: names and versions, rendering, judging; main only.
//
// Lua runs in script hosts: sandboxed child processes (core/sandbox/). What comes back from one is
// untrusted input. A host that overruns is killed; only the rendering that was running is blamed.
#pragma once

#include <uv.h>

#include "model/event.h"
#include "model/problem.h"
#include "model/request.h"
#include "model/webhook.h"
#include "script/account.h"
#include "script/frame.h"
#include "store/store.h"

struct script;

struct script_config {
    uint32_t hosts;           // processes, a spare is kept besides; 0: by the number of cores
    const char *scripts_dir;  // NULL: none
    uint32_t cpu_ms, wall_ms; // budget of one visit, see lua.md, Limits
    int64_t memory_bytes;
    const char *self;    // path of this binary, "/proc/self/exe"
    struct store *store; // where versions are kept, borrowed; NULL: they are not
};

// Starts the hosts, and takes up the versions that the store holds. Blocking: turns `loop` until a
// host is up, so start it before what must not be called yet. ERR_IO: none comes up.
MUST_CHECK enum err script_start(struct script **out, uv_loop_t *loop,
                                 const struct script_config *config, struct errmsg *message);
// Walks all webhooks that are there, and the revisions that are on their way to the store.
typedef void script_webhook_fn(void *taker, struct webhook *webhook);
void script_set_webhooks(struct script *script,
                         void (*each)(void *context, script_webhook_fn *take, void *taker),
                         void *context);
// Loads what is built in and what lies in scripts_dir, as far as it differs from what the store
// holds: each is compiled, checked, its golden tests run, in a host. Blocking: turns `loop`. A broken
// built-in is ERR_CORRUPT; broken files in scripts_dir are logged and left out. From then on
// scripts_dir is watched, with `is_watching`.
MUST_CHECK enum err script_load(struct script *script, bool is_watching, struct errmsg *message);
// Visits that are not done come back as SCRIPT_KILLED, before on_stopped; no new ones may be begun.
void script_stop(struct script *script, void (*on_stopped)(void *context), void *context);

// Reads scripts_dir again (SIGHUP), also what was refused before. What was saved together becomes
// active together or not at all; what fails keeps its old version and is logged. `on_done` gets
// counts, later, on main.
void script_reload(struct script *script,
                   void (*on_done)(void *context, size_t loaded, size_t refused), void *context);

// One rendering or judgement. Owned by `script` from script_visit until on_done.
#define SCRIPT_VISIT_MAGIC 0x53565354u
struct script_draft; // script_draft.h
struct script_visit {
    uint32_t magic;
    struct list_node node;            // script's
    bool is_response;                 // judge the response; else filter, transform, sign
    bool is_trial;                    // in the host for checks, on nobody's account
    const struct script_draft *draft; // of a trial: for scripts of its name; NULL: none. Borrowed
    struct attempt *attempt;          // borrowed: script writes its fields, in its arena
    struct event *event;              // borrowed
    struct webhook *webhook;          // borrowed (one reference must be held by the submitter)
    const struct hook_env *env;       // borrowed
    size_t data_at;                   // offset of the payload in attempt->body
    enum script_result result;        // out (frame.h); reason is in attempt->reason
    void (*on_done)(struct script_visit *visit);
    void *context;
};
// Render: attempt has been filled by request_build(for_scripts); afterwards it holds what is to be
// sent, or attempt->reason says why not. Response: sets attempt->verdict, verdict_after_ms, reason
// or response_error. Budgets grow with the event.
void script_visit(struct script *script, struct script_visit *asked);
void script_flush(struct script *script); // once per turn of the loop: hands batches over

// Brings the versions that a webhook pins into memory, as far as they are kept; a visit to a webhook
// that was never checked asks for that first. on_done at once, or later.
void script_pins_fetch(struct script *script, struct webhook *webhook,
                       void (*on_done)(void *context), void *context);

// Has any of the webhook's scripts that function? A name that is unknown has a render one: the
// visit then fails and says so, and nothing leaves unsigned.
bool script_has_render(const struct script *script, const struct webhook *webhook);
bool script_has_sign(const struct script *script, const struct webhook *webhook);
bool script_has_response(const struct script *script, const struct webhook *webhook);

// Checks names, versions, options (types, bounds, `check` in the sandbox) and secrets of a webhook
// before it is saved. on_done is called later, on main; problems belong to the caller throughout.
void script_check(struct script *script, struct webhook *webhook, struct problems *problems,
                  void (*on_done)(void *context, struct problems *problems), void *context);

// Secrets have changed or a webhook is gone: hosts that knew it are replaced, once they have
// finished what they have. `webhook` is any revision of it.
void script_forget(struct script *script, const struct webhook *webhook);

// One row of the list of names, of all tenants and origins; spans live until the loop turns.
struct script_info {
    struct span name, tenant, version; // tenant: empty unless stored
    enum script_origin origin;
    bool is_hidden;      // another origin has that name, too, and comes first
    struct span waiting; // a built-in of this binary that waits to be activated; empty: none
    struct span by;      // who made it active
    int64_t at_ms;       // when; 0: not known
    struct span help;
    struct span options;    // JSON array of {name, type, required, default, help, …}
    struct account account; // of this version
};
size_t script_count(const struct script *script);
void script_info(const struct script *script, size_t index, struct script_info *out);
// The version that a name means for a tenant; `pin`: the first digits of its hash, or empty: the
// active one. False: there is none, or it is not in memory.
bool script_find(const struct script *script, struct span tenant, struct span name, struct span pin,
                 struct script_info *out);

// Sums by name, over all its versions, in no order; NULL at the end. Start with *at = 0.
const struct account *script_account_next(const struct script *script, size_t *at,
                                          struct span *name);

// What one script of a webhook has used there; false: there is no such script.
struct script_use_info {
    struct span name, version; // version: 64 hex digits
    struct account account;    // of this version, for this webhook
};
bool script_use_info(const struct script *script, const struct webhook *webhook, uint32_t index,
                     struct script_use_info *out);

// Changes whenever a webhook may get other versions than before.
uint32_t script_generation(const struct script *script);
// The versions that it would be rendered with now, as attempts record them: "github@1a2b3c4d …".
void script_versions(const struct script *script, const struct webhook *webhook, struct buf *out);

struct script_stats {
    uint64_t visits, kills, restarts;
    uint32_t hosts, waiting;
    uint32_t refused; // files of scripts_dir, when it was read last
};
void script_stats(const struct script *script, struct script_stats *out);
