// SPDX-License-Identifier: MIT
// The only source of randomness: the kernel's bytes, and a cheap generator seeded once; any thread.
#include "base/rand.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/span.h"

static pthread_once_t seed_once = PTHREAD_ONCE_INIT;
static bool has_seed;               // written once
static uint64_t first_seed;         // written once
static _Atomic uint64_t seed_state; // of splitmix64

static void read_seed(void)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
    const char *text = getenv("GRAPNEL_SEED");
    has_seed =
        text != NULL && failpoint_is_test_run() && span_to_uint64(span_of(text), &first_seed);
    uint64_t start = first_seed;
    if (!has_seed)
        rand_bytes(&start, sizeof start);
    atomic_store(&seed_state, start);
}

bool rand_test_seed(uint64_t *seed)
{
    pthread_once(&seed_once, read_seed);
    if (has_seed)
        *seed = first_seed;
    return has_seed;
}

void rand_bytes(void *out, size_t len)
{
    unsigned char *at = out;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        CHECK(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

uint64_t rand_uint64(void)
{
    pthread_once(&seed_once, read_seed);
    const uint64_t step = 0x9e3779b97f4a7c15U;
    uint64_t number = atomic_fetch_add(&seed_state, step) + step;
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9U;
    number = (number ^ number >> 27) * 0x94d049bb133111ebU;
    return number ^ number >> 31;
}

double rand_unit(void)
{
    return (double)(rand_uint64() >> 11) * 0x1p-53;
}
