// SPDX-License-Identifier: MIT
// How many requests a second a webhook's target gets: a token bucket (GCRA); any thread.
// (delivery.md, Limits)
//
// In any stretch of time, however short, at most burst + time × rate requests are allowed. All times
// are nanoseconds of the monotonic clock. The state is one time, so nothing runs while nobody asks.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Begin with zeros: no limit.
struct rate {
    int64_t interval_ns; // between requests at full rate; 0: no limit
    uint32_t burst;      // at least 1
    int64_t next_ns;     // when the bucket is full again; in the past: it is full
};

// The limit is this from now on; per_second 0: none; burst 0: a second's worth. What was taken
// before counts; a bucket that was without limit is full.
void rate_set(struct rate *rate, double per_second, uint32_t burst, int64_t now_ns);
// Nothing may go at once: what happened before is not known.
void rate_empty(struct rate *rate, int64_t now_ns);
// How long until a request may start that has `ahead` others before it; 0: now.
int64_t rate_wait_ns(const struct rate *rate, uint32_t ahead, int64_t now_ns);
// How many may start within that time; UINT32_MAX: any number.
uint32_t rate_within(const struct rate *rate, int64_t in_ns, int64_t now_ns);
// A request starts. One that nobody asked for (a test by hand, a repeated POST) counts too, but
// never makes the bucket emptier than empty.
void rate_take(struct rate *rate, int64_t now_ns);
