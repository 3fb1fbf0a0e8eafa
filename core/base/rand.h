// SPDX-License-Identifier: MIT
// The only source of randomness: the kernel's, or a seed that a test gives; any thread.
//
// With GRAPNEL_TEST=1, GRAPNEL_SEED=N makes rand_uint64 and rand_unit repeatable. rand_bytes is
// for secrets and always the kernel's.
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
