// SPDX-License-Identifier: MIT
// Does a request's signature fit? The receiver's side of signatures.md, for grapnel listen; any
// thread.
//
// Written from the formats' descriptions and not shared with the scripts that sign, so that each
// proves the other.
#pragma once

#include "cli/incoming.h"

#define VERIFY_TOLERANCE_S 300 // of a timestamp, to either side

enum verify_scheme {
    VERIFY_STANDARD, // Standard Webhooks: v1 with whsec_ or a plain secret, v1a with whsk_ or whpk_
    VERIFY_GITHUB,
    VERIFY_STRIPE,
    VERIFY_SLACK,
    VERIFY_SHOPIFY,
    VERIFY_SCHEME_COUNT
};

// "standard" …; ERR_NOT_FOUND with a message that names the nearest.
MUST_CHECK enum err verify_scheme_parse(struct span name, enum verify_scheme *out,
                                        struct errmsg *message);
// Can this secret be one of that scheme's? ERR_SYNTAX with a message that does not hold it.
MUST_CHECK enum err verify_secret_check(enum verify_scheme scheme, struct span secret,
                                        struct errmsg *message);
// `detail`: "standard v1, 2 s old", or why it is not good.
bool verify_request(enum verify_scheme scheme, struct span secret, const struct incoming *request,
                    int64_t now_s, struct errmsg *detail);
