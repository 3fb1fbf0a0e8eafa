// SPDX-License-Identifier: MIT
// May this address be connected to? (delivery.md, Addresses); immutable once made, any thread.
#pragma once

#include <sys/socket.h>

#include "base/err.h"
#include "base/span.h"

struct guard;

// `allow`: CIDRs, addresses and host names. ERR_SYNTAX names the entry that is none.
MUST_CHECK enum err guard_new(struct guard **out, const struct span *allow, size_t count,
                              struct errmsg *message);
void guard_free(struct guard *guard);

// At connection time: the very address that is about to be connected to, and the host name of the
// URL (an allowed name allows only that name). False: `why` (may be NULL) gets "loopback", "private"…
bool guard_allows(const struct guard *guard, const struct sockaddr *address, struct span host,
                  const char **why);
// When a webhook is saved: a URL that libcurl's own parser normalises; false when it is malformed,
// not http(s), has user information or a fragment, a refused port, or a literal refused address
// (`localhost` and *.localhost count as loopback). `message` says what to do (allow_targets line).
bool guard_allows_url(const struct guard *guard, struct span url, struct errmsg *message);
