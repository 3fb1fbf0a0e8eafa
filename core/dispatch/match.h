// SPDX-License-Identifier: MIT
// Which webhooks want an event: an index by tenant and name; main only.
#pragma once

#include "base/map.h"
#include "model/webhook.h"

// The webhooks of one name or of one tenant's patterns; borrowed.
struct match_list {
    struct webhook **webhooks; // owned array
    uint32_t count, capacity;
};

// One per tenant.
struct match {
    struct strmap by_name;      // exact names → struct match_list (owned)
    struct match_list patterns; // those with a pattern
};

void match_init(struct match *match);
void match_deinit(struct match *match);
// Active or not; a webhook is in at most once. Removal must see the same revision as adding did.
void match_add(struct match *match, struct webhook *webhook);
void match_remove(struct match *match, const struct webhook *webhook);
// Calls `on_webhook` once for each webhook that wants the event, in order of exact names first.
void match_event(const struct match *match, struct span event_name,
                 void (*on_webhook)(void *context, struct webhook *webhook), void *context);
