// SPDX-License-Identifier: MIT
// The ingest socket: producers' lines in, replies out in order, after the commit; main only.
//
// Back-pressure: a connection is no longer read from while it has too many lines or bytes without a
// reply, or does not read its replies. Nothing is buffered without bound. What is too much for all
// connections together waits its turn.
#pragma once

#include <uv.h>

#include "config/config.h"
#include "ingest/wire.h"

struct ingest;

// The answer to an accepted line; see ingest_env.
typedef void ingest_answer_fn(void *token, const struct wire_reply *reply);

// Bounds. All but the last two must not be 0.
struct ingest_limits {
    uint32_t lines, total_lines;    // without a reply: of a connection, of all
    size_t bytes, total_bytes;      // of such lines
    size_t unread_bytes;            // of replies that a connection has not taken yet
    size_t held_bytes;              // of unfinished lines of all connections
    uint32_t connections, per_user; // 0: by the number of file descriptors
};
extern const struct ingest_limits ingest_limits;

// What ingest needs from above (dispatch fills it).
struct ingest_env {
    void *context;
    const struct ingest_limits *limits; // NULL: the engine's own, ingest_limits
    // Takes the event; must call `answer(token, reply)` exactly once, later or at once, even after
    // ingest has stopped; answers may come in any order (ingest restores it). Fills id, deliveries,
    // is_duplicate or an error code; `ref` is ingest's matter.
    void (*accept)(void *context, struct event **event, ingest_answer_fn *answer, void *token);
    // False (with code and message in reply): this uid may not write for this tenant, or the tenant
    // is unknown.
    bool (*may_write)(void *context, struct span tenant, uint32_t uid, struct wire_reply *reply);
};

// Binds (safely replaces a stale socket file) or takes the socket that systemd handed over
// (LISTEN_FDS), and listens. Ignores SIGPIPE from then on. ERR_BUSY: another engine listens there.
MUST_CHECK enum err ingest_start(struct ingest **out, uv_loop_t *loop, const struct config *config,
                                 const struct ingest_env *env, struct errmsg *message);
// Takes over what a reload may change: known events, drain_timeout.
void ingest_reconfigure(struct ingest *ingest, const struct config *config);
// Takes no new connections, refuses further lines with shutting_down, sends what replies are due,
// then closes all connections. Lasts until the last line has its answer; producers that do not read
// their replies are waited for a little (drain_timeout, at most 5 s), then closed. on_drained is not
// called before this returns.
void ingest_drain(struct ingest *ingest, void (*on_drained)(void *context), void *context);
// Closes everything at once, also while draining (on_drained is not called then), and frees. Lines
// without an answer yet get none.
void ingest_stop(struct ingest *ingest, void (*on_stopped)(void *context), void *context);

struct ingest_stats {
    uint64_t accepted, rejected[WIRE_CODE_COUNT], connections_total, connections_refused;
    uint32_t connections, waiting; // lines without a reply yet
    uint64_t waiting_bytes, held_bytes;
};
void ingest_stats(const struct ingest *ingest, struct ingest_stats *out);
