// SPDX-License-Identifier: MIT
// What holds a webhook, a slot per reason with its end: a pure value; any thread. (delivery.md, Limits)
//
// It is held while any reason holds. None replaces another: a Retry-After of an hour goes on behind
// an open breaker, and a pause that ends leaves a quarantine as it was. A reason whose end has come
// holds no more; nobody has to clear it.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hold {
#define X(name, reason, means) HOLD_##name,
#include "dispatch/holds.def"
#undef X
    HOLD_COUNT,
};

#define HOLD_UNTIL_RELEASED INT64_MAX // until somebody acts

// Begin with zeros: nothing holds it.
struct holds {
    int64_t until_ms[HOLD_COUNT]; // wall clock
};

// Sets the end of a reason, whatever it was before; one that has passed: it holds no more.
void holds_set(struct holds *holds, enum hold reason, int64_t until_ms);
void holds_clear(struct holds *holds, enum hold reason);
bool holds_has(const struct holds *holds, enum hold reason, int64_t now_ms);
// When the last of them ends, which may be past; 0: there was none.
int64_t holds_end(const struct holds *holds);
// Those that hold at `now_ms`: the one that ends last comes first. Returns how many.
size_t holds_list(const struct holds *holds, int64_t now_ms, enum hold out[HOLD_COUNT]);
// The name of the one that ends last; NULL: it is not held.
const char *holds_reason(const struct holds *holds, int64_t now_ms);

const char *hold_name(enum hold reason);
const char *hold_means(enum hold reason); // for people
