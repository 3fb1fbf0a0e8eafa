// SPDX-License-Identifier: MIT
// One attempt on its way through libcurl: a reused easy handle and what its callbacks saw; one
// sender thread.
#pragma once

#include <curl/curl.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "base/heap.h"
#include "send/answer.h"
#include "send/curl_loop.h"
#include "send/target.h"

#define TRANSFER_CONNECT_MS 10000 // most that connecting may take

// Counters that main reads while the thread counts.
struct transfer_stats {
    _Atomic uint64_t connections_opened, requests, blocked, resent;
    _Atomic uint32_t under_way;
};

// What all transfers of a thread share.
struct transfer_env {
    struct curl_loop *curl; // borrowed
    const struct guard *guard;
    const char *source_address, *proxy; // borrowed; NULL: none
    const char *ca_file;                // borrowed; NULL: the system's
    struct tls_store *trusted;          // owned by the thread; NULL until https is used
    struct transfer_stats *stats;       // borrowed
    void (*on_resolved)(void *context, struct target *target); // a scout has an address; may only
    void *context;                                             // note it
};

#define TRANSFER_MAGIC 0x7452414eu
struct transfer {
    uint32_t magic;
    struct list_node node;      // in the thread's list of active or of spare ones
    struct transfer_env *env;   // borrowed
    CURL *easy;                 // owned
    struct attempt *attempt;    // owned while active
    struct target *target;      // borrowed; used
    int64_t deadline_ms;        // monotonic; of the whole attempt
    bool is_scout;              // it looks the target's name up for all
    struct curl_slist *resolve; // owned; addresses that libcurl shall forget

    // What the callbacks saw.
    struct answer answer;
    const char *fault;               // static; why a callback ended the transfer
    const char *blocked;             // static; why the guard refused the last address
    struct sockaddr_storage address; // the last one that was tried or refused
    unsigned opened, refused;        // sockets
    int socket_error;                // errno; why there was no socket
    unsigned sent;                   // requests that left
    bool is_new_connection;          // a socket was opened since the last request
    bool is_reused;                  // the newest request left on a kept connection
    const char *tls;                 // static; version of the connection; NULL: none
    bool has_no_address;             // libcurl wanted to look the name up, and only scouts may
    bool needs_lookup;               // the address was too old to open a connection with
    bool is_lost;                    // a failpoint has swallowed the answer

    // What the handle is set to, so that it is set only when it changes.
    struct buf url;
    char method[8];
    uint32_t timeout_ms, connect_ms;
    bool is_fresh;
    size_t body_len;
    char error[CURL_ERROR_SIZE]; // libcurl's words
};

struct transfer *transfer_new(struct transfer_env *env);
void transfer_free(struct transfer *transfer);
// Sets the handle up for `attempt`, which must have at least a millisecond left, and starts it.
// ERR_UNSUPPORTED: libcurl does not take it; the attempt is still the caller's.
MUST_CHECK enum err transfer_begin(struct transfer *transfer, struct attempt **attempt,
                                   int64_t deadline_ms, int64_t now_ms);
// Ready for the next attempt; gives this one back. The handle must be out of the multi.
struct attempt *transfer_end(struct transfer *transfer);
// Adds to a list for CURLOPT_RESOLVE that libcurl shall forget the target's address.
void transfer_forget(struct curl_slist **list, const struct target *target);
