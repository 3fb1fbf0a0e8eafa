// SPDX-License-Identifier: MIT
// When a visit has run for too long: the rules; main only.
#include "script/watchdog.h"

#define MAX_TICK_NS (4 * WATCHDOG_TICK_MS * 1000000LL)

enum watch_action watchdog_look(struct watch *watch, const struct watch_facts *facts)
{
    if (facts->turn != watch->turn || facts->visit != watch->visit)
        *watch = (struct watch){.turn = facts->turn, .visit = facts->visit};
    else
        watch->wall_ns += facts->since_ns < MAX_TICK_NS ? facts->since_ns : MAX_TICK_NS;

    if (!watch->is_asked) {
        if (facts->cpu_ns < facts->cpu_max && watch->wall_ns < facts->wall_max)
            return WATCH_WAIT;
        watch->is_asked = true;
        watch->asked_cpu_ns = facts->cpu_ns;
        watch->asked_wall_ns = watch->wall_ns;
        return WATCH_STOP;
    }
    bool is_over =
        facts->cpu_ns >= watch->asked_cpu_ns + WATCHDOG_GRACE_NS && facts->cpu_ns >= facts->cpu_max;
    return is_over || watch->wall_ns >= watch->asked_wall_ns + WATCHDOG_STALL_NS ? WATCH_KILL
                                                                                 : WATCH_WAIT;
}

bool watchdog_is_blamed(int64_t cpu_ns, int64_t cpu_max)
{
    return cpu_ns < 0 || cpu_ns >= cpu_max;
}
