// SPDX-License-Identifier: MIT
// May this address be connected to? (delivery.md, Addresses); any thread, reloaded by main.
//
// Refused are the ranges of guard.def, every form that embeds one of them (v4-mapped, v4-compatible,
// NAT64, 6to4, Teredo), the engine's own addresses, and ports other than 80, 443 and 1024-65535.
// An entry of allow_targets lifts that: "10.0.0.0/8", "fd00::1", "receiver.internal", each alone or
// with one port, which may then be any: "10.0.0.5:25", "[fd00::1]:25", "receiver.internal:8443".
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/span.h"

struct guard;

// `allow`: CIDRs, addresses and host names. ERR_SYNTAX: `message` names the entry that is none.
MUST_CHECK enum err guard_new(struct guard **out, const struct span *allow, size_t count,
                              struct errmsg *message);
// Another list from now on; main only. On failure the old one stays.
MUST_CHECK enum err guard_reload(struct guard *guard, const struct span *allow, size_t count,
                                 struct errmsg *message);
void guard_free(struct guard *guard); // NULL is fine

// At connection time: the very address that is about to be connected to, and the host name of the
// URL (an allowed name allows only that name). False: `why` (may be NULL) gets "loopback",
// "private", … "port"; static.
bool guard_allows(const struct guard *guard, const struct sockaddr *address, struct span host,
                  const char **why);
// The same of an address as text ("192.0.2.1", "2001:db8::1").
bool guard_allows_text(const struct guard *guard, const char *address, uint16_t port,
                       struct span host, const char **why);
bool guard_was_reloaded(const struct guard *guard);
// When a webhook is saved: a URL that libcurl's own parser normalises; false when it is malformed,
// not http(s), has user information or a fragment, a refused port, or a literal refused address
// (`localhost` and *.localhost count as loopback). `message` says what to do (allow_targets line).
bool guard_allows_url(const struct guard *guard, struct span url, struct errmsg *message);

// The parts of a URL that decide where it leads, as libcurl's parser understands them.
#define GUARD_MAX_URL  2048 // bytes
#define GUARD_MAX_HOST 253  // bytes
struct guard_target {
    char host[GUARD_MAX_HOST + 1]; // lower case, ASCII, without brackets and trailing dot
    uint16_t port;
    bool is_literal;    // the host is an address
    bool has_final_dot; // the host was written with one
    bool is_tls;        // https
};
// False: `message` says what is wrong with the URL. Nothing about the address is checked.
bool guard_parse_url(struct span url, struct guard_target *out, struct errmsg *message);
