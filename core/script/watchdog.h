// SPDX-License-Identifier: MIT
// When a visit has run for too long: a judgement on plain numbers, no clock and no process of its
// own; main only. (script_host.md, C and D)
//
// First the host is asked to stop the visit, which costs that visit alone. A host that does not come
// back from it (a pattern match in C cannot be interrupted) is killed.
#pragma once

#include "base/span.h"

#define WATCHDOG_TICK_MS  5
#define WATCHDOG_GRACE_NS (10 * 1000000LL)   // CPU time between asking and killing
#define WATCHDOG_STALL_NS (1000 * 1000000LL) // wall clock, for the same

// What the watchdog remembers of one host.
struct watch {
    uint64_t turn; // of the board, when the visit was first seen
    uint64_t visit;
    int64_t wall_ns; // it has run at least that long
    bool is_asked;   // to stop
    int64_t asked_cpu_ns, asked_wall_ns;
};

struct watch_facts {
    uint64_t turn, visit;      // what it works on, by its board; else the first that it has to
    int64_t since_ns;          // since the last tick
    int64_t cpu_ns;            // that the host has used since the visit began; -1: not known
    int64_t cpu_max, wall_max; // the visit's budget, ns
};

enum watch_action { WATCH_WAIT, WATCH_STOP, WATCH_KILL };
// One look. A tick that comes late counts as four at most: then the machine was busy, or this
// process was, and nobody knows what the host had of that time.
enum watch_action watchdog_look(struct watch *watch, const struct watch_facts *facts);
// Whether a visit that ended by force, or said it was stopped, had used the time that it had;
// else its host was stalled and nobody is to blame.
bool watchdog_is_blamed(int64_t cpu_ns, int64_t cpu_max);
