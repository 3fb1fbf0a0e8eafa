// SPDX-License-Identifier: MIT
// A set of libcurl multi handles on one uv loop, in the way that libcurl is fastest; one thread.
//
// Sockets stay in the poll set for as long as they live (libcurl forgets and wants a kept
// connection's socket with every request; asking the kernel each time costs a quarter of the
// rate). Many multis, because libcurl walks all connections of one for each finished transfer.
// Callbacks of uv and libcurl only note what happened; once per turn of the loop, just before it
// would sleep, timers are run and finished transfers handed out.
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include "base/err.h"

struct curl_loop;

// A transfer that has ended; its handle is out of the multi. May add and remove transfers.
typedef void curl_loop_done_fn(void *context, CURL *easy, CURLcode result);
// After all transfers that ended in this turn were handed out; may add and remove transfers.
typedef void curl_loop_turn_fn(void *context);

struct curl_loop_config {
    uint32_t multis;         // ≥ 1
    uint32_t kept_per_multi; // idle connections that each keeps
    curl_loop_done_fn *on_done;
    curl_loop_turn_fn *on_turn; // may be NULL
    void *context;              // of both; borrowed
};

struct curl_loop *curl_loop_start(uv_loop_t *loop, const struct curl_loop_config *config);
// All transfers must have been handed out or removed. Closes all connections; frees itself just
// before `on_stopped` runs.
void curl_loop_stop(struct curl_loop *curl, void (*on_stopped)(void *context), void *context);

// Once for each new easy handle: how its sockets are closed. Its sockets must come from
// curl_loop_open_socket, called in its CURLOPT_OPENSOCKETFUNCTION.
void curl_loop_prepare(struct curl_loop *curl, CURL *easy);
curl_socket_t curl_loop_open_socket(struct curl_loop *curl, const struct curl_sockaddr *address);

// Starts a transfer in the multi number `index` < config.multis.
MUST_CHECK enum err curl_loop_add(struct curl_loop *curl, uint32_t index, CURL *easy);
// Takes a transfer out before its end; closes its connection.
void curl_loop_remove(struct curl_loop *curl, uint32_t index, CURL *easy);
