// SPDX-License-Identifier: MIT
// HTTP in, by libmicrohttpd on a uv loop: whole requests go up, whole answers go down; main only.
//
// A request's body is collected (bounded) before the handler sees it. The handler answers at once or
// later; the connection is suspended meanwhile. Slow clients are cut off by timers of our own,
// because libmicrohttpd's timeout counts inactivity only.
#pragma once

#include <uv.h>

#include "base/buf.h"

#define HTTP_MAX_BODY   (1024 * 1024)
#define HTTP_HEADER_MS  (10 * 1000)
#define HTTP_REQUEST_MS (30 * 1000)

struct http;
struct MHD_Connection;

struct http_peer {
    bool is_unix;
    uint32_t uid, pid; // UINT32_MAX on TCP
};

#define HTTP_REQUEST_MAGIC 0x48545251u
struct http_request {
    uint32_t magic;
    struct http *http;
    struct MHD_Connection *connection;
    struct span method, path; // path is decoded
    struct http_peer peer;
    struct buf body; // owned
    bool is_too_large, is_handled, is_suspended, is_answered, is_over;
    int status;               // the answer
    struct buf answer;        // owned
    const char *content_type; // static
    char etag[32];            // "" none
    char location[128];       // "" none
    void *context;            // the handler's
};

// Called once per whole request; must lead to exactly one http_answer, at once or later.
typedef void http_handler_fn(void *context, struct http_request *request);

struct http_config {
    const char *unix_path;  // always
    const char *tcp_listen; // "127.0.0.1:8470"; NULL: none
};

MUST_CHECK enum err http_start(struct http **out, uv_loop_t *loop, const struct http_config *config,
                               http_handler_fn *handler, void *context, struct errmsg *message);
// Answers with what stands in request->answer; the request is http's again.
void http_answer(struct http_request *request, int status, const char *content_type);
// A query argument or header, decoded; NULL: not given.
const char *http_query(const struct http_request *request, const char *name);
const char *http_header_in(const struct http_request *request, const char *name);
// Calls `on_argument` for each query argument, decoded; value NULL: none.
void http_each_query(const struct http_request *request,
                     void (*on_argument)(void *context, const char *name, const char *value),
                     void *context);
// Closes all connections. Requests that the handler still holds must be answered before.
void http_stop(struct http *http, void (*on_stopped)(void *context), void *context);
