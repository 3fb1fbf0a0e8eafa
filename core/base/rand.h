// SPDX-License-Identifier: MIT
// The only source of randomness: the kernel's, or a seed that a test gives; any thread.
//
// With GRAPNEL_TEST=1, GRAPNEL_SEED=N makes rand_uint64 and rand_unit repeatable. rand_bytes is
// for secrets and always the kernel's.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

void rand_bytes(void *out, size_t len);
uint64_t rand_uint64(void);
// In [0, 1).
double rand_unit(void);
