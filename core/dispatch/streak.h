// SPDX-License-Identifier: MIT
// When a webhook's scripts have failed often enough to hold it: a pure rule; any thread. (lua.md,
// Limits)
#pragma once

#include "base/uid.h"

#define STREAK_EVENTS 3 // from so many different events, or one bad event could hold everything

// Failures in a row of one webhook with one set of script versions. Begin with zeros.
struct streak {
    uint64_t scripts; // hash of the versions that failed
    uint32_t failures;
    uint32_t event_count; // different ones, at most STREAK_EVENTS are told apart
    struct uid events[STREAK_EVENTS];
};

// One more. `scripts` names the versions ("github@1a2b3c4d"): others than before begin anew. True:
// `most` failures or more in a row, from at least STREAK_EVENTS events. `most` 0: never.
bool streak_fail(struct streak *streak, struct span scripts, const struct uid *event,
                 uint32_t most);
// A success, or another beginning.
void streak_end(struct streak *streak);
