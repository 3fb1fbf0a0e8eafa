// SPDX-License-Identifier: MIT
// The ingest socket: producers' lines in, replies out in order, after the commit; main only.
//
// Back-pressure: a connection is no longer read from while it has too many lines or bytes without a
// reply, or does not read its replies. Nothing is buffered without bound.
#pragma once

#include <uv.h>

#include "config/config.h"
#include "ingest/wire.h"

struct ingest;

// The answer to an accepted line; see ingest_env.
typedef void ingest_answer_fn(void *token, const struct wire_reply *reply);

// What ingest needs from above (dispatch fills it).
struct ingest_env {
    void *context;
    // Takes the event; must call `answer(token, reply)` exactly once, later or at once; answers may
    // come in any order (ingest restores it). Fills id, deliveries, is_duplicate or an error code.
    void (*accept)(void *context, struct event **event, ingest_answer_fn *answer, void *token);
    // False (with code and message in reply): this uid may not write for this tenant, or the tenant
    // is unknown.
    bool (*may_write)(void *context, struct span tenant, uint32_t uid, struct wire_reply *reply);
};

// Binds (safely replaces a stale socket file) or takes the socket that systemd handed over
// (LISTEN_FDS), and listens. ERR_BUSY: another engine listens there.
MUST_CHECK enum err ingest_start(struct ingest **out, uv_loop_t *loop, const struct config *config,
                                 const struct ingest_env *env, struct errmsg *message);
// Stops accepting lines (further ones get shutting_down), sends what replies are due, then closes.
void ingest_drain(struct ingest *ingest, void (*on_drained)(void *context), void *context);
// Frees; only after it has drained or `force`: connections are closed at once.
void ingest_stop(struct ingest *ingest, void (*on_stopped)(void *context), void *context);

struct ingest_stats {
    uint64_t accepted, rejected[WIRE_CODE_COUNT], connections_total;
    uint32_t connections, waiting; // lines without a reply yet
};
void ingest_stats(const struct ingest *ingest, struct ingest_stats *out);
