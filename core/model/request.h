// SPDX-License-Identifier: MIT
// Building a request from event and webhook (webhook.md, The body, The headers); any thread.
//
// Without scripts this is the whole rendering; with scripts it is what they start from.
#pragma once

#include "model/event.h"
#include "model/webhook.h"

// {{NAME}} values of one tenant.
struct hook_env {
    const struct header *values; // name, value; borrowed
    size_t count;                // 0: placeholders stay as they are written
};

// Largest arena that building this request can need, bytes.
size_t request_bound(const struct event *event, const struct webhook *webhook);
// Fills method, url, headers and body of `attempt`, in its arena. With `for_scripts`,
// extra_payload is left out (scripts come before it) and nothing is hashed. `data_at` (may be NULL)
// gets the offset of the payload in the body, SIZE_MAX when it does not stand there as a whole
// (`fields`). ERR_FULL: the headers with their {{NAME}} values are longer than 64 KiB.
MUST_CHECK enum err request_build(struct attempt *attempt, const struct event *event,
                                  const struct webhook *webhook, const struct hook_env *env,
                                  bool for_scripts, size_t *data_at);
// Appends a header's value with {{NAME}} replaced.
void request_expand(struct buf *out, struct span value, const struct hook_env *env);
