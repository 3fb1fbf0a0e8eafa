// SPDX-License-Identifier: MIT
// The only source of randomness; any thread.
//
// rand_bytes is the kernel's, for secrets and keys. rand_uint64 and rand_unit are cheap, for jitter
// and names: a generator that the kernel seeds once, or with GRAPNEL_TEST=1 GRAPNEL_SEED=N.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void rand_bytes(void *out, size_t len);
uint64_t rand_uint64(void);
// In [0, 1).
double rand_unit(void);
// The seed that a test gave; false when there is none.
bool rand_test_seed(uint64_t *seed);
