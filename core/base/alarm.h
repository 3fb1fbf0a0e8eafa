// SPDX-License-Identifier: MIT
// A timer that goes by base/clock; of the thread whose loop it is on.
//
// libuv's own timers go by real time: they do not see that a test has moved the clock, and stand
// still while the machine is suspended. An alarm looks at the clock again at the latest every 10 s,
// in tests every few milliseconds. Use it for all that waits for a time of ours (a second and more);
// uv_timer_t is for deadlines of sockets and for gathering.
#pragma once

#include <stdbool.h>
#include <uv.h>

typedef void alarm_fn(void *context);

// The caller's memory. Fields are private.
struct alarm {
    uint32_t magic;
    uv_timer_t timer;
    int64_t at_ms; // monotonic
    bool is_set;
    alarm_fn *on_due;
    alarm_fn *on_stopped; // NULL: it is not being stopped
    void *context;        // borrowed
};

// Not set yet.
void alarm_start(struct alarm *alarm, uv_loop_t *loop, alarm_fn *on_due, void *context);
// Calls on_due once, when so many milliseconds have passed; what was set before is forgotten.
// Without effect when it is being stopped.
void alarm_set(struct alarm *alarm, int64_t in_ms);
void alarm_clear(struct alarm *alarm);
bool alarm_is_set(const struct alarm *alarm);
// Milliseconds until it is due; 0: it is late. Only when it is set.
int64_t alarm_due_in_ms(const struct alarm *alarm);
// Ends it; on_stopped (may be NULL) gets the context, and the memory may then go.
void alarm_stop(struct alarm *alarm, alarm_fn *on_stopped);
