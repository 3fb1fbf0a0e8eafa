// SPDX-License-Identifier: MIT
// A loopback HTTP server that misbehaves by a table, for tests of sending; threads of its own.
//
// Each connection has a thread; the path of a request chooses a reply. What it does not know is
// answered by 200 and kept alive.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hostile_then {
    HOSTILE_KEEP,    // goes on with the next request
    HOSTILE_CLOSE,   // closes
    HOSTILE_RESET,   // closes by RST
    HOSTILE_HANG,    // says nothing more, until the client closes
    HOSTILE_DRIP,    // the last byte again and again, every 20 ms
    HOSTILE_FLOOD,   // `bytes` again and again, as fast as it is read
    HOSTILE_ONCE,    // like KEEP, but the next request of the connection is read and not answered
    HOSTILE_ONCE_RST // the same, and closes by RST
};

struct hostile_reply {
    const char *path;  // of the request, without the query
    const char *bytes; // sent as they are, NUL-terminated
    enum hostile_then then;
};

struct hostile;

// Listens on 127.0.0.1, a port of its own. `replies` ends with a NULL path; borrowed.
struct hostile *hostile_start(const struct hostile_reply *replies);
// Closes everything and joins all threads.
void hostile_stop(struct hostile *server);
uint16_t hostile_port(const struct hostile *server);
unsigned hostile_connections(struct hostile *server); // so far
unsigned hostile_requests(struct hostile *server);    // complete ones, so far
// Where the newest connection came from, IPv4, host byte order.
uint32_t hostile_peer(struct hostile *server);
// The newest complete request, with a NUL behind; valid until the next call.
const char *hostile_request(struct hostile *server, size_t *len);
// Waits until all connections are closed by the client; false after 5 s.
bool hostile_is_quiet(struct hostile *server);
