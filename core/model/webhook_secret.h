// SPDX-License-Identifier: MIT
// A webhook's secrets: added in front of the others, which end some time later, found, taken away;
// on a copy that is not saved yet; main only. (delivery.md, Secrets)
//
// The newest comes first. A secret that has ended stays in the revision until the next change of
// secrets; scripts are not given it any more, and the API does not list it.
#pragma once

#include "model/webhook.h"

#define WEBHOOK_SECRET_OVERLAP_S (24 * 3600) // how long the old ones go on, unless said otherwise
#define WEBHOOK_SECRET_MAX_S     (30 * 24 * 3600) // and the longest that may be asked for

// Is it in use at that time?
static inline bool webhook_secret_is_valid(const struct webhook_secret *secret, int64_t now_ms)
{
    return secret->expires_ms == 0 || secret->expires_ms > now_ms;
}

// By id, among those in use; NULL: none.
const struct webhook_secret *webhook_secret_find(const struct webhook *webhook, struct span id,
                                                 int64_t now_ms);
// Puts a secret (checked by the caller) in front and drops what has ended. Those that are there end
// at `end_ms`, unless they end earlier; 0: they stay. ERR_EXISTS: it is there already; ERR_FULL:
// there are WEBHOOK_MAX_SECRETS.
MUST_CHECK enum err webhook_secret_add(struct webhook *fresh, struct span text, int64_t now_ms,
                                       int64_t end_ms);
// Takes one away, and what has ended. ERR_NOT_FOUND.
MUST_CHECK enum err webhook_secret_remove(struct webhook *fresh, struct span id, int64_t now_ms);
// {"id","type","created_at","expires_at","public_key"}; `is_shown`: and "secret".
void webhook_secret_print(const struct webhook_secret *secret, bool is_shown,
                          struct json_writer *w);
// A fresh id, in the arena.
struct span webhook_secret_new_id(struct arena *arena);
