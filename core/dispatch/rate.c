// SPDX-License-Identifier: MIT
// How many requests a second a webhook's target gets: a token bucket (GCRA); any thread.
#include "dispatch/rate.h"

#include "base/check.h"

#define SECOND_NS 1000000000.0

// How long it takes to fill an empty bucket.
static int64_t whole_ns(const struct rate *rate)
{
    return rate->interval_ns * rate->burst;
}

// How much is missing, as time.
static int64_t missing_ns(const struct rate *rate, int64_t now_ns)
{
    return rate->next_ns > now_ns ? rate->next_ns - now_ns : 0;
}

void rate_set(struct rate *rate, double per_second, uint32_t burst, int64_t now_ns)
{
    if (per_second <= 0) {
        *rate = (struct rate){0};
        return;
    }
    double taken = 0; // requests
    if (rate->interval_ns > 0)
        taken = (double)missing_ns(rate, now_ns) / (double)rate->interval_ns;
    if (burst == 0)
        burst = (uint32_t)per_second + (per_second > (uint32_t)per_second);
    rate->interval_ns = (int64_t)(SECOND_NS / per_second) + 1; // rather less than more
    rate->burst = burst;
    CHECK(rate->interval_ns > 0 && rate->burst > 0);
    if (taken > burst)
        taken = burst;
    rate->next_ns = now_ns + (int64_t)(taken * (double)rate->interval_ns);
}

void rate_empty(struct rate *rate, int64_t now_ns)
{
    rate->next_ns = now_ns + whole_ns(rate);
}

int64_t rate_wait_ns(const struct rate *rate, uint32_t ahead, int64_t now_ns)
{
    if (rate->interval_ns == 0)
        return 0;
    int64_t missing = missing_ns(rate, now_ns) + rate->interval_ns * ((int64_t)ahead + 1);
    return missing > whole_ns(rate) ? missing - whole_ns(rate) : 0;
}

uint32_t rate_within(const struct rate *rate, int64_t in_ns, int64_t now_ns)
{
    if (rate->interval_ns == 0)
        return UINT32_MAX;
    int64_t left = whole_ns(rate) - missing_ns(rate, now_ns) + in_ns;
    int64_t count = left > 0 ? left / rate->interval_ns : 0;
    return count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

void rate_take(struct rate *rate, int64_t now_ns)
{
    if (rate->interval_ns == 0)
        return;
    int64_t missing = missing_ns(rate, now_ns) + rate->interval_ns;
    rate->next_ns = now_ns + (missing < whole_ns(rate) ? missing : whole_ns(rate));
}
