// SPDX-License-Identifier: MIT
// Counts failures in a row, and from how many events; pure, any thread.
#include "dispatch/streak.h"

static bool is_known(const struct streak *streak, const struct uid *event)
{
    for (uint32_t i = 0; i < streak->event_count; i++)
        if (uid_eq(&streak->events[i], event))
            return true;
    return false;
}

bool streak_fail(struct streak *streak, struct span scripts, const struct uid *event, uint32_t most)
{
    uint64_t hash = span_hash(scripts);
    if (hash != streak->scripts)
        streak_end(streak);
    streak->scripts = hash;
    if (streak->failures < UINT32_MAX)
        streak->failures++;
    if (streak->event_count < STREAK_EVENTS && !is_known(streak, event))
        streak->events[streak->event_count++] = *event;
    return most > 0 && streak->failures >= most && streak->event_count >= STREAK_EVENTS;
}

void streak_end(struct streak *streak)
{
    *streak = (struct streak){0};
}
