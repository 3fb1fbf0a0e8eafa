// SPDX-License-Identifier: MIT
// A small HTTP/1.1 server that shows each request to somebody and answers as told; on a uv loop,
// the main thread.
//
// Connections are kept alive; a request is answered before the next one of the same connection is
// looked at. Bounds: incoming.h, and RECEIVER_MAX_CONNECTIONS.
#pragma once

#include <uv.h>

#include "cli/incoming.h"

#define RECEIVER_MAX_CONNECTIONS 4096

struct receiver;

struct receiver_answer {
    int status;       // 200-599
    int64_t delay_ms; // before it is sent
    bool is_dropped;  // the connection is closed instead
    bool is_last;     // no request after this one is looked at; on_done when it has been answered
};

// Called once per whole request; `request` is borrowed until it returns.
typedef void receiver_request_fn(void *context, const struct incoming *request, const char *remote,
                                 struct receiver_answer *answer);

struct receiver_config {
    const char *address; // "127.0.0.1:8000", "[::1]:0", ":8000", "8000"
    receiver_request_fn *on_request;
    void (*on_done)(void *context); // everything is closed and freed
    void *context;
};

MUST_CHECK enum err receiver_start(struct receiver **out, uv_loop_t *loop,
                                   const struct receiver_config *config, struct errmsg *message);
// "http://127.0.0.1:8000/", with the port that was chosen.
const char *receiver_url(const struct receiver *receiver);
// Closes all connections; on_done follows.
void receiver_stop(struct receiver *receiver);
