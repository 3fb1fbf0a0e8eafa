// SPDX-License-Identifier: MIT
// The operator's door: HTTP API on a Unix socket and TCP, by libmicrohttpd on the main loop.
//
// Routes are api.def. libmicrohttpd's epoll descriptor sits in a uv_poll; requests that need the
// store are suspended and resumed. Bounds: header 16 KiB, body 1 MiB, connections per client, own
// timers for slow clients.
#pragma once

#include <uv.h>

#include "config/config.h"
#include "dispatch/dispatch.h"
#include "ingest/ingest.h"

struct admin;

// Borrowed until admin_stop's on_stopped; `config` may be replaced by admin_reconfigure.
struct admin_env {
    uv_loop_t *loop;
    const struct config *config;
    struct dispatch *dispatch;
    struct store *store;
    struct script *script;
    struct sender *sender;
    struct ingest *ingest;
    const struct guard *guard;
    const struct eventid_key *id_key;
};

MUST_CHECK enum err admin_start(struct admin **out, const struct admin_env *env,
                                struct errmsg *message);
void admin_reconfigure(struct admin *admin, const struct config *config);
void admin_stop(struct admin *admin, void (*on_stopped)(void *context), void *context);
